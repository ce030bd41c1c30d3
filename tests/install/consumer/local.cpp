// Local streams only: links no network.
#include <iostream>
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int> source;
  source.map([](int x) { return x * x; }).sink([](int x) { std::cout << x << ' '; });
  for (int x = 0; x < 5; ++x) source.emit(x);
  std::cout << '\n';
}
