// expect: the function of accumulate must return the new state
#include <penstock/task.hpp>

int main() {
  penstock::detail::accumulate_stage<std::string, int, false>(
      [](const std::string&, int x) { return x; });
}
