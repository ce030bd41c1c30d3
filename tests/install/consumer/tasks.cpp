#include <penstock/penstock.hpp>

namespace {
int twice(int x) { return 2 * x; }
}  // namespace
PENSTOCK_TASK(twice)
