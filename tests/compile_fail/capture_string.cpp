// expect: this lambda captures something that cannot be copied byte for byte (std::string,
#include <penstock/task.hpp>

int main() {
  std::string text = "text";
  penstock::detail::map_stage<int>([text](int x) { return x + text[0]; });
}
