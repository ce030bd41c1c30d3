// expect only: a distributed part stays as it was made
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.connect(penstock::Stream<int>());
}
