// expect: the key function cannot be called with the element type of the stream
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().partition(2, [](const std::string& name) { return name; });
}
