// expect: with returns_state, the function of accumulate must return a std::pair or std::tuple
#include <penstock/task.hpp>

int main() {
  penstock::detail::accumulate_stage<int, int, true>([](int sum, int x) { return sum + x; });
}
