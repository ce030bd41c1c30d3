// A whole pipeline in a shared library. Its lambdas run in workers that load the library too.
#include <penstock/penstock.hpp>

// The sum of the squares below n, computed on the workers.
extern "C" [[gnu::visibility("default")]] long sum_of_squares(const penstock::Client& client, int n) {
  penstock::Stream<int> source;
  long sum = 0;
  source.scatter(client)
      .map([](int x) { return long{x} * x; })
      .gather()
      .sink([&sum](long square) { sum += square; });
  for (int x = 0; x < n; ++x) source.emit(x);
  source.drain();
  return sum;
}
