// expect only: this function cannot be called with the element type of the stream
#include <penstock/runtime.hpp>

// What is behind the mistake is right, and the compiler says nothing of it.
int main() {
  penstock::Stream<int>()
      .map([](const std::string& text) { return text.size(); })
      .filter([](std::size_t size) { return size > 3; })
      .accumulate([](std::size_t sum, std::size_t size) { return sum + size; }, std::size_t{0})
      .sink([](std::size_t) {});
}
