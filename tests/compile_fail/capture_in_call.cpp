// expect: this lambda captures a reference, a pointer or 'this', which means nothing in another
#include <penstock/task.hpp>

int main() {
  int offset = 1;
  penstock::detail::call_input([&offset](int x) { return x + offset; }, 1);
}
