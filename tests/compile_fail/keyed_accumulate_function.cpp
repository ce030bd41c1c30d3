// expect only: accumulate() and keyed_accumulate() need State f(const State&, const T&)
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>()
      .keyed_accumulate([](int x) { return x % 2; }, [](const std::string&, int) { return 1; }, 0)
      .sink([](const std::pair<int, int>&) {});
}
