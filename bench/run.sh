#!/usr/bin/env bash
# bench/run.sh [--json FILE] [--quick] [--markdown]: Penstock against dask.distributed and streamz, measured
# in one run on this machine, as one table.
#
#   --json FILE  also writes every repetition, all versions and the machine
#   --quick      two short repetitions instead of five: for a first look
#   --markdown   the table as Markdown
#
# Installs what is missing and builds (release) first. Takes about five minutes; leave the machine alone
# meanwhile.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

json= quick= markdown=
usage() { sed -n '2,10s/^# \{0,1\}//p' "$here/run.sh"; }
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=$(realpath -m "${2:?--json needs a file}"); shift ;;
    --quick) quick=--quick ;;
    --markdown) markdown=--markdown ;;
    -h | --help) usage; exit 0 ;;
    *) echo "bench/run.sh: no option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
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
cmake --build --preset release --target penstock_bench scheduler_core_bench >&2

say "measuring"
result=${json:-$logs/result.json}
/usr/bin/python3 bench/measure.py --bin build/release/bench --json "$result" $quick
/usr/bin/python3 bench/report.py $markdown "$result"
