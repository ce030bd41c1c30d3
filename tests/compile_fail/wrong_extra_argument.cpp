// expect: this function cannot be called with the element type of the stream (and the extra
#include <penstock/task.hpp>

int main() {
  penstock::detail::map_stage<int>([](int x, int y) { return x + y; }, "text");
}
