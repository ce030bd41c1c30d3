// expect only: buffer(n) of a distributed stream is the number of elements on their way
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.buffer(10, {.loop = {}});
}
