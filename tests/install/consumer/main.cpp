// A project of its own that uses an installed Penstock: a local cluster of processes.
#include <iostream>
#include <penstock/penstock.hpp>

int increment(int x) { return x + 1; }

int main() {
  penstock::init();
  auto client = penstock::Client::local({.workers = 2, .dashboard = false});
  penstock::Stream<int> source;
  auto out = source.scatter().map(increment).gather().sink_to_vector();
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
  for (int x : out.values()) std::cout << x << ' ';
  std::cout << '\n';
}
