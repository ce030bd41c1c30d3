// expect only: flatten() needs elements that are ranges
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().flatten();
}
