#!/usr/bin/env bash
# ./demo.sh [--json] [--keep] [PATH...]: a whole Penstock cluster on this machine, counting the words of
# real files: every regular file under the paths (default: /usr/include and /usr/share/doc).
#
#   --json   the last line of standard output is the totals as JSON; all else goes to standard error
#   --keep   leave cluster and dashboard up afterwards, until Ctrl-C
#
# Installs what is missing, builds, starts a scheduler and two worker processes, runs the job. Ctrl-C
# stops everything. With PENSTOCK_BUILD=DIR the build in that folder is used as it is.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD

json= keep= paths=()
usage() { sed -n '2,9s/^# \{0,1\}//p' "$here/demo.sh"; }
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=--json ;;
    --keep) keep=1 ;;
    -h | --help) usage; exit 0 ;;
    --) shift; paths+=("$@"); break ;;
    -*) echo "demo.sh: no option $1" >&2; usage >&2; exit 2 ;;
    *) paths+=("$1") ;;
  esac
  shift
done
# Relative paths are those of the caller.
for i in "${!paths[@]}"; do
  case ${paths[$i]} in '') echo "demo.sh: an empty path" >&2; exit 2 ;; /*) ;; *) paths[$i]=$OLDPWD/${paths[$i]} ;; esac
done

say() { echo "==> $*" >&2; }

logs=$(mktemp -d)
pids=()
stop() {
  trap - EXIT INT TERM
  local alive pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for _ in $(seq 15); do
    alive=
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null && alive=1; done
    [ -n "$alive" ] || break
    sleep 0.1
  done
  # A worker that dies takes its child with it.
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$logs"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

bin=${PENSTOCK_BUILD:-build/release}
if [ -z "${PENSTOCK_BUILD:-}" ]; then
  say "installing what is missing"
  deploy/install-packages.sh build
  say "building (release)"
  cmake --preset release -DCMAKE_UNITY_BUILD=ON -DPENSTOCK_BUILD_TESTS=OFF -DPENSTOCK_BUILD_BENCHMARKS=OFF \
    >"$logs/configure" 2>&1 || { cat "$logs/configure" >&2; exit 1; }
  cmake --build --preset release --target penstock-scheduler penstock-worker penstock-demo >&2
fi

say "starting the scheduler"
"$bin/scheduler/penstock-scheduler" --port 0 2>"$logs/scheduler" &
pids+=($!)
# wait_for FILE PATTERN PID: what follows PATTERN in the log, once it is there.
wait_for() {
  for _ in $(seq 100); do
    if grep -q "$2" "$1"; then sed -n "s/.*$2//p" "$1" | head -1; return; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  cat "$1" >&2
  return 1
}
address=$(wait_for "$logs/scheduler" 'clients and workers: ' "${pids[0]}")
say "dashboard: $(wait_for "$logs/scheduler" 'dashboard: ' "${pids[0]}")"

say "starting two workers"
for n in 1 2; do
  "$bin/worker/penstock-worker" --scheduler "$address" --name "worker-$n" --threads 1 \
    --app "$bin/examples/demo/penstock-demo" 2>"$logs/worker-$n" &
  pids+=($!)
done

say "counting words"
status=0
"$bin/examples/demo/penstock-demo" --scheduler "$address" --wait-for-workers 2 $json \
  "${paths[@]}" &
demo=$!
pids+=("$demo")
wait "$demo" || status=$?
if [ "$status" -ne 0 ]; then
  say "the demo failed; the logs of the cluster:"
  cat "$logs"/scheduler "$logs"/worker-* >&2
elif [ -n "$keep" ]; then
  say "the cluster stays up at $address until Ctrl-C"
  wait
fi
exit "$status"
