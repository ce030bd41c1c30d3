#!/bin/sh
# check.sh COMPILER [FLAGS...] FILE: the file must not compile, and the text after "// expect: " on its
# first line must be in the first error. After "// expect only: " it must be the only error, too. A file
# without that line must compile.
set -eu

file=
for argument in "$@"; do file=$argument; done
only=$(sed -n '1s,^// expect only: ,,p' "$file")
expected=$only$(sed -n '1s,^// expect: ,,p' "$file")

if errors=$(LC_ALL=C "$@" -fsyntax-only 2>&1); then
  [ -z "$expected" ] && exit 0
  echo "$file compiles, but should say: $expected"
  exit 1
fi

count=$(printf '%s\n' "$errors" | grep -c 'error:')
first=$(printf '%s\n' "$errors" | grep 'error:' | head -n 1)
if [ -n "$only" ] && [ "$count" -ne 1 ]; then first="$count errors"; fi
if [ -n "$expected" ] && printf '%s\n' "$first" | grep -qF -- "$expected"; then
  exit 0
fi
echo "expected: $expected"
printf '%s\n' "$errors" | head -n 60
exit 1
