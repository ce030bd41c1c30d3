// expect: this lambda captures a reference, a pointer or 'this', which means nothing in another
#include <penstock/task.hpp>

int main() {
  const char* text = "text";
  penstock::detail::map_stage<int>([text](int x) { return x + text[0]; });
}
