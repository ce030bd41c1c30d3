#!/bin/sh
# install_test.sh BUILD_DIR SOURCE_DIR WORK_DIR CXX: installs the build, builds the consumer project
# against the installed tree alone, runs it, and checks that local streams link no network.
set -eu
build=$1 source=$2 work=$3 cxx=$4
rm -rf "$work"
cmake --install "$build" --prefix "$work/prefix" >"$work.log" 2>&1 || { cat "$work.log"; exit 1; }
for file in bin/penstock-scheduler bin/penstock-worker include/penstock/penstock.hpp; do
  [ -e "$work/prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done
cmake -S "$source/tests/install/consumer" -B "$work/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx"
cmake --build "$work/build"

expect() {
  [ "$2" = "$3" ] || { echo "$1 printed '$2', not '$3'"; exit 1; }
}
expect consumer "$("$work/build/consumer")" "1 2 3 4 5 6 7 8 9 10 "
expect local_consumer "$("$work/build/local_consumer")" "0 1 4 9 16 "
expect host "$("$work/build/host" "$work/build/libtasks.so")" "42 "
expect net_consumer "$("$work/build/net_consumer")" "sent and received "
if ldd "$work/build/local_consumer" | grep -E 'grpc|protobuf'; then
  echo "a program with local streams only links the network"
  exit 1
fi
