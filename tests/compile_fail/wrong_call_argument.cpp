// expect: this function cannot be called with these arguments
#include <penstock/task.hpp>

int main() {
  penstock::detail::call_input([](int x) { return x; }, "text");
}
