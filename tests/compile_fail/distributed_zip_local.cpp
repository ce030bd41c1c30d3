// expect only: scatter() the local one first
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.zip(penstock::Stream<int>());
}
