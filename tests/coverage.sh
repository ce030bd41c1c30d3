#!/bin/sh
# tests/coverage.sh [--all] [--jobs N]: which lines the tests run, as pages and as a table. Fails when they run
# less than 95 % of the lines of runtime/.
#
#   --all     every folder, by every test but those of images, of installed trees and of what must not compile
#   --jobs N  compiles N files at once, and runs as many tests: two, unless told
#
# Installs what is missing and builds (coverage) first. Leaves index.html, summary.txt and files.txt in
# build/coverage/report/. Takes about ten minutes on two cores, two when it is built.
set -eu
cd "$(dirname "$0")/.."
least=95
build=build/coverage
report=$build/report

usage() { sed -n '2,9s/^# \{0,1\}//p' tests/coverage.sh; }
say() { echo "==> $*" >&2; }

all='' jobs=2
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=all ;;
    --jobs) jobs=${2:?--jobs needs a number}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "tests/coverage.sh: no option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

say "installing what is missing"
deploy/install-packages.sh build test coverage

say "building (coverage)"
# Debian's ccache passes -fprofile-update=atomic by: of no use here.
cmake --preset coverage >/dev/null
# The folders' own targets and tests, so that a new test is in without a change here.
folders='runtime'
targets='tests/runtime/all five_ways_test docs_snippets'
if [ -n "$all" ]; then
  folders='runtime connectors client worker scheduler proto'
  targets='all'
fi
# shellcheck disable=SC2086 # a list of names
cmake --build --preset coverage --parallel "$jobs" --target $targets

say "testing"
find $build -name '*.gcda' -delete  # the counters of earlier runs
if [ -n "$all" ]; then
  ctest --preset coverage --parallel "$jobs"
else
  for tests in runtime examples docs; do
    ctest --test-dir "$build/tests/$tests" --parallel "$jobs" --output-on-failure --no-tests=error \
          --exclude-regex '^(example_.*|docs)$'
  done
fi

say "counting"
rm -rf $report
mkdir -p $report
filters=''
for folder in $folders; do filters="$filters --filter $folder/"; done
# Of an inline function there is one copy in each program: a line counts as run when one of them ran it.
# shellcheck disable=SC2086 # a list of options
gcovr --root . --object-directory $build -j "$jobs" $filters --exclude-throw-branches $build \
      --json $report/lines.json
count() { gcovr --root . --add-tracefile $report/lines.json "$@"; }
count --html-details $report/index.html --html-title 'Penstock: lines that the tests run'
{
  printf 'lines that the tests run\n\n'
  for folder in $folders; do
    printf '%-12s%s\n' "$folder" "$(count --filter "$folder/" --print-summary --output /dev/null |
                                      sed -n 's/^lines: //p')"
  done
} | tee $report/summary.txt
count --sort-percentage --output $report/files.txt
say "the pages: $report/index.html; the files, the least covered last: $report/files.txt"

count --filter runtime/ --fail-under-line $least --output /dev/null || {
  echo "tests/coverage.sh: the tests run less than $least % of the lines of runtime/" >&2
  exit 1
}
