// expect only: returns nothing and cannot change its state
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().accumulate([](int, int) {});
}
