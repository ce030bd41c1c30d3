// expect: starmap needs elements that are tuples, pairs or arrays
#include <penstock/task.hpp>

int main() {
  penstock::detail::starmap_stage<int>([](int x) { return x; });
}
