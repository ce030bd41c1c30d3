// expect only: pluck() takes an index for random access ranges, a key for maps
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.pluck(0);
}
