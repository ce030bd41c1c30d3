// expect: its state would be lost
#include <penstock/task.hpp>

int main() {
  penstock::detail::map_stage<int>([sum = 0](int x) mutable { return sum += x; });
}
