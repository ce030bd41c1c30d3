// expect only: flatten() needs elements that are ranges
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.flatten();
}
