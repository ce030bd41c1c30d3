// expect: a key is remembered, so it must be copyable
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().partition_unique(2, [](int x) { return std::make_unique<int>(x); });
}
