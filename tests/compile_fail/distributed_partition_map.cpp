// expect only: this function cannot be called with the element type of the stream
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.partition(2).map([](int x) { return x; });
}
