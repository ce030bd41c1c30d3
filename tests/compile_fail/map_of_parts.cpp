// expect only: use starmap()
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<std::pair<int, int>>().map([](int a, int b) { return a + b; });
}
