#!/usr/bin/env bash
# ./test.sh [CTEST OPTIONS...]: installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")"
say() { echo "==> $*"; }

say "installing what is missing"
deploy/install-packages.sh build test
say "building (dev)"
cmake --preset dev -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DPENSTOCK_BUILD_BENCHMARKS=OFF -DCMAKE_UNITY_BUILD=ON
cmake --build --preset dev
say "testing"
exec ctest --preset dev "$@"
