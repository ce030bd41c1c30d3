// A whole pipeline in a shared library. Its lambdas run in workers that load the library too; and a task that
// others may call by its name.
#include <penstock/penstock.hpp>

namespace {
long cube(long x) { return x * x * x; }
}  // namespace
PENSTOCK_TASK_AS("plugin.cube", cube)

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
