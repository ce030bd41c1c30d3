// expect only: errors of a distributed stream come out at gather()
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.map([](int x) { return x; }).on_error(penstock::ErrorPolicy::skip());
}
