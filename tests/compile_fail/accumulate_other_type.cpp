// expect only: the function of accumulate() and keyed_accumulate() must return the new state
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().accumulate([](int, int) { return std::string(); }, 0).sink([](int) {});
}
