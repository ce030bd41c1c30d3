// The first stream: local, without a loop, a thread or a cluster.
#include <iostream>
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int> source;
  source.map([](int x) { return x * x; })
      .filter([](int x) { return x % 2 == 0; })
      .accumulate([](int sum, int x) { return sum + x; }, 0)
      .sink([](int sum) { std::cout << sum << '\n'; });

  for (int x = 0; x < 10; ++x) source.emit(x);  // prints 0 4 20 56 120, each before emit() returns
}
