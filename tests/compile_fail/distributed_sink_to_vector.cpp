// expect only: sink_to_vector() needs values, and these are futures: gather() first
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.sink_to_vector().values();
}
