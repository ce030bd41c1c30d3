// expect: trusted() copies byte for byte, and this function cannot be copied so.
#include <penstock/task.hpp>

int main() {
  std::string text = "text";
  penstock::detail::map_stage<int>(penstock::trusted([text](int x) { return x + text[0]; }));
}
