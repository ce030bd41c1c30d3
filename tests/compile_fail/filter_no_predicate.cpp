// expect only: filter() needs a predicate
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().filter([](int x) { return std::to_string(x); });
}
