// expect only: these elements are on the workers already
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.scatter();
}
