// expect only: needs streams of one element type
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().union_with(penstock::Stream<std::string>());
}
