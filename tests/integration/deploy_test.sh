#!/usr/bin/env bash
# Builds the images, brings a cluster of three workers up with deploy/compose.yaml, counts words on
# it while workers are killed, and compares the totals with a count made without Penstock. Leaves no
# container and no network behind; the images stay (tag "test"), as the cache of the next run.
#
# No registry is needed: the base image is made by debootstrap from the mirror that apt uses here.
# PENSTOCK_BASE=<image of Debian 12> takes that one instead. Exits 77 where there is no Docker.
#
# deploy_test.sh --base: makes only what comes from Debian, which is mostly waiting for disks and the network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

suite=bookworm
base_image=penstock-test-base:$suite
workers=3
export PENSTOCK_TAG=test
export PENSTOCK_DASHBOARD_PORT=0 # any free one
export PENSTOCK_WORKER_THREADS=1
PENSTOCK_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export PENSTOCK_TOKEN

say() { printf '==> %4d s  %s\n' "$SECONDS" "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

command -v docker >/dev/null || skip "there is no docker here"
timeout 20 docker info >/dev/null 2>&1 || skip "no Docker engine answers here"
if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  skip "there is no docker-compose here"
fi

scratch=$(mktemp -d)
project=penstock-test-$$
compose+=(-p "$project" -f "$root/deploy/compose.yaml")
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)

demo=
finish() {
  local status=$?
  trap - EXIT INT TERM
  set +e
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
    [ ! -s "$scratch/log" ] || tail -n 40 "$scratch/log" >&2
    "${compose[@]}" logs --no-color --tail=60 >&2
  fi
  say "taking everything down"
  "${compose[@]}" down -v --remove-orphans -t 5 >"$scratch/down" 2>&1 || cat "$scratch/down" >&2
  [ -z "$demo" ] || { kill "$demo" && wait "$demo"; } 2>/dev/null
  if [ -n "$(left_over)" ]; then
    echo "FAILED: left behind: $(left_over)" >&2
    [ "$status" -ne 0 ] || status=1
  fi
  "${as_root[@]}" umount "$scratch"/base/{proc,sys} 2>/dev/null # of a debootstrap that was killed
  "${as_root[@]}" rm -rf --one-file-system "$scratch"
  say "done, exit $status"
  exit "$status"
}
left_over() {
  docker ps -aq --filter "label=com.docker.compose.project=$project"
  docker network ls -q --filter "label=com.docker.compose.project=$project"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# quietly SECONDS COMMAND...: shows its output only if it fails.
quietly() {
  local limit=$1
  shift
  timeout --foreground "$limit" "$@" >"$scratch/log" 2>&1 || fail "$*"
  : >"$scratch/log"
}

# until_true SECONDS WHAT COMMAND...
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "still not so: $what"
    sleep 0.2
  done
  say "$what"
}

# The mirror from which apt takes this suite here. If there is none, debootstrap knows one itself.
mirror() {
  apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Origin: Debian' \
    "Codename: $suite" 'Component: main' 2>/dev/null | head -1
}

make_base() {
  local stamp mirror
  mirror=$(mirror || true)
  stamp="slim $suite ${mirror:-default}"
  [ "$(docker image inspect -f '{{index .Config.Labels "penstock.base"}}' "$base_image" \
    2>/dev/null)" != "$stamp" ] || return 0
  [ -x /usr/sbin/debootstrap ] || skip "there is no debootstrap to make a base image with"
  "${as_root[@]}" true 2>/dev/null || skip "debootstrap wants root"
  say "making the base image"
  # shellcheck disable=SC2086 # no mirror is no argument
  quietly 600 "${as_root[@]}" /usr/sbin/debootstrap --variant=minbase \
    "$suite" "$scratch/base" $mirror
  "${as_root[@]}" rm -rf "$scratch"/base/var/{cache/apt,lib/apt/lists,log}/* \
    "$scratch"/base/usr/share/{doc,man,locale}/*
  # Packages installed later leave these out too, and are not synchronised to disk one by one.
  printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-exclude /usr/share/man/*' \
    'path-exclude /usr/share/locale/*' force-unsafe-io |
    "${as_root[@]}" tee "$scratch/base/etc/dpkg/dpkg.cfg.d/image" >/dev/null
  "${as_root[@]}" tar -C "$scratch/base" -c . |
    docker import -c "LABEL penstock.base=\"$stamp\"" -c 'CMD ["bash"]' - "$base_image" >/dev/null
  "${as_root[@]}" rm -rf "$scratch/base"
}

our_images() { docker images -q --no-trunc --filter 'reference=penstock-*:test' | sort -u; }

build_base() {
  local target
  for target in tools runtime; do
    quietly 600 docker build --force-rm -f "$root/deploy/Dockerfile" --target "$target" \
      --build-arg "BASE=$PENSTOCK_BASE" -t "penstock-$target:test" "$root"
  done
}

build_images() {
  # Tagged, so that the compiled stage stays cached for builders that keep images only.
  quietly 900 docker build --force-rm -f "$root/deploy/Dockerfile" --target sdk \
    --build-arg "BASE=$PENSTOCK_BASE" -t penstock-sdk:test "$root"
  quietly 300 "${compose[@]}" build --force-rm
}
# Those of an earlier source have lost their tags.
remove_old_images() {
  our_images | comm -23 "$scratch/before" - | xargs -r docker rmi >/dev/null 2>&1 || true
}

scheduler() { "${compose[@]}" ps -q scheduler; }

# dashboard PATH EXPRESSION: of Python, on what it answers.
dashboard() {
  local address
  address=$(docker port "$scheduler" 8787/tcp | head -1)
  python3 - "http://$address$1" "$2" <<'END'
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
answer = json.load(opener.open(sys.argv[1], timeout=3))
print(eval(sys.argv[2], {"answer": answer}))
END
}
has_workers() { [ "$(dashboard /health 'answer["workers"]')" = "$1" ]; }
newest_worker() {
  dashboard /api/v1/status 'max(worker["id"] for worker in answer["workers"])'
}
is_back() { has_workers "$1" && [ "$(newest_worker)" -gt "$2" ]; }
done_files() { dashboard /api/v1/status 'sum(client["done"] for client in answer["clients"])'; }
has_counted() {
  kill -0 "$demo" || fail "the job ended too early: nothing was tested"
  [ "$(done_files)" -ge "$1" ]
}
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }
was_restarted() {
  [ "$(docker inspect -f '{{.RestartCount}} {{.State.Running}}' "$1")" = "1 true" ]
}

# As if it had died by itself: Docker does not restart what `docker kill` has killed.
kill_from_host() {
  local pid
  pid=$(docker inspect -f '{{.State.Pid}}' "$1")
  docker run --rm --pid=host --network=none --user 0 --entrypoint bash penstock-demo:test \
    -c "kill -KILL $pid"
}

if [ -z "${PENSTOCK_BASE:-}" ]; then
  make_base
  PENSTOCK_BASE=$base_image
fi
export PENSTOCK_BASE
say "building the images"
our_images >"$scratch/before"
build_base
[ "${1:-}" = --base ] || build_images
remove_old_images
[ "${1:-}" != --base ] || exit 0

say "writing files to count"
mkdir "$scratch/data"
python3 "$here/deploy_words.py" generate "$scratch/data" >"$scratch/want.json"
chmod -R a+rX "$scratch"
export PENSTOCK_DATA=$scratch/data

say "starting the cluster"
quietly 120 "${compose[@]}" up -d --no-build --scale "worker=$workers" scheduler worker
scheduler=$(scheduler)
until_true 60 "the scheduler's container is healthy" is_healthy "$scheduler"
until_true 60 "$workers workers are there" has_workers "$workers"
mapfile -t containers < <("${compose[@]}" ps -q worker)
[ "${#containers[@]}" = "$workers" ] || fail "${#containers[@]} containers of workers"

if timeout --foreground 60 "${compose[@]}" run --rm -T -e PENSTOCK_TOKEN=other demo /data \
  >"$scratch/log" 2>&1; then fail "an application with another token was let in"; fi
grep -i "token" "$scratch/log" || fail "it was not turned away because of its token"

say "counting"
"${compose[@]}" run --rm -T demo --wait-for-workers "$workers" --json /data \
  >"$scratch/got.json" 2>"$scratch/log" &
demo=$!
files=$(find "$scratch/data" -type f | wc -l)
until_true 120 "a tenth is counted" has_counted $((files / 10))
docker kill -s KILL "${containers[0]}" >/dev/null
until_true 30 "a killed worker is gone" has_workers $((workers - 1))
newest=$(newest_worker)
kill_from_host "${containers[1]}"
[ "$(done_files)" -lt "$files" ] || fail "the job ended before the workers died"
until_true 30 "a worker that died was restarted" was_restarted "${containers[1]}"
until_true 30 "and is back" is_back $((workers - 1)) "$newest"
say "$(done_files) of $files files are counted"
wait "$demo" || { demo=; fail "the demo"; }
demo=
tail -1 "$scratch/got.json" >"$scratch/got.last"
say "counted: $(cat "$scratch/got.last")"
python3 "$here/deploy_words.py" compare "$scratch/want.json" "$scratch/got.last" ||
  fail "the totals are not those of the count made without Penstock"

say "scaling up, and killing the scheduler"
quietly 120 "${compose[@]}" up -d --no-build --scale "worker=$((workers + 1))" scheduler worker
until_true 60 "$((workers + 1)) workers are there" has_workers $((workers + 1))
kill_from_host "$scheduler"
until_true 30 "the scheduler was restarted" was_restarted "$scheduler"
until_true 60 "its workers have come back" has_workers $((workers + 1))
until_true 60 "and it is healthy" is_healthy "$scheduler"
say "passed"
