#!/usr/bin/env bash
# bench/nodes.sh [--quick] [FILE]: measures every node and writes the table into FILE, docs/benchmarks.md
# if none is given.
#
#   --quick  two short repetitions instead of five: for a first look
#
# Measures idle streams and the compile time of a program with twenty nodes too. Installs what is missing and
# builds (release) first. Takes about six minutes; leave the machine alone meanwhile.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

quick= file=
usage() { sed -n '2,9s/^# \{0,1\}//p' "$here/nodes.sh"; }
for argument; do
  case $argument in
    --quick) quick=--quick ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "bench/nodes.sh: no option $argument" >&2; usage >&2; exit 2 ;;
    *) file=$(realpath -m "$argument") ;;
  esac
done
cd "$here/.."
say() { echo "==> $*" >&2; }

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

say "installing what is missing"
deploy/install-packages.sh build bench
say "building (release)"
cmake --preset release -DCMAKE_UNITY_BUILD=ON -DPENSTOCK_BUILD_BENCHMARKS=ON -DPENSTOCK_BUILD_TESTS=OFF >"$logs/configure" 2>&1 ||
  { cat "$logs/configure" >&2; exit 1; }
cmake --build --preset release --target nodes_bench idle_bench twenty_nodes >&2

say "measuring"
/usr/bin/python3 bench/nodes_table.py --build build/release $quick "${file:-docs/benchmarks.md}"
say "written: ${file:-docs/benchmarks.md}"
