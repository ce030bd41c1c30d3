// expect only: map() needs a function that returns a value
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().map([](int) {});
}
