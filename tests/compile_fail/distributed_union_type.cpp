// expect only: union_with() needs distributed streams of one element type
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.union_with(penstock::DistributedStream<long>());
}
