// expect: cannot be copied byte for byte
#include <penstock/task.hpp>

#include <functional>

int main() {
  std::function<int(int)> function = [](int x) { return x; };
  penstock::detail::map_stage<int>(function);
}
