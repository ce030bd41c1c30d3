#!/bin/bash
# builds_test.sh PREFIX SOURCE_DIR WORK_DIR: builds one program against an installed Penstock in several
# ways and with both compilers, and compares what its tasks return. Then lets a rebuilt worker meet it.
set -euo pipefail
prefix=$1 source=$2 work=$3
expected="1 100 10000 2 200 20000 7 8 3m 9m 18m 30m "
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

for compiler in g++ clang++; do
  cmake -S "$source/tests/builds" -B "$work/$compiler" -G Ninja "${launcher[@]}" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler"
  cmake --build "$work/$compiler"
done

failed=0
for program in g++/plain g++/lto g++/small clang++/other_compiler; do
  got=$(cd "$work" && ./"$program")
  echo "$program: $got"
  [ "$got" = "$expected" ] || { echo "  expected: $expected"; failed=1; }
done

# A worker of the changed program must not run tasks of the one before the change.
"$prefix/bin/penstock-scheduler" --port 0 --no-dashboard --code-timeout 0.5 2>"$work/scheduler.log" &
scheduler=$!
worker=
trap 'kill $scheduler $worker 2>/dev/null; wait' EXIT
for _ in $(seq 100); do
  address=$(sed -n 's/.*clients and workers: //p' "$work/scheduler.log")
  [ -n "$address" ] && break
  sleep 0.1
done
"$prefix/bin/penstock-worker" --scheduler "$address" --threads 1 --app "$work/g++/rebuilt" &
worker=$!
said=$("$work/g++/plain" "$address" 2>&1) && { echo "the rebuilt worker ran it: $said"; failed=1; }
echo "the rebuilt worker: $said"
case $said in
  *"code not available: change belongs to plain ("*"), which no worker has. Modules with tasks on the workers: rebuilt ("*) ;;
  *) failed=1 ;;
esac
exit $failed
