// expect only: must be shared
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<std::unique_ptr<int>> source;
  source.combine_latest(penstock::Stream<int>());
}
