// expect only: this function cannot be called with the element type
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().sink([](const std::string&) {});
}
