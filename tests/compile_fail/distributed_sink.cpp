// expect only: sink() needs values, and these are futures: gather() first
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.sink([](int) {});
}
