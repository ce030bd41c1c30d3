// expect only: needs a function that takes a penstock::Emitter
#include <penstock/runtime.hpp>

int main() {
  penstock::from_coroutine<int>([](int) {});
}
