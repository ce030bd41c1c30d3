// What an element costs in window(): by how many elements it has, in the steady state.
#include <cstdint>
#include <numeric>

#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

// Numbers in no order, and the same in every run.
class Random {
 public:
  double next() {
    state_ = state_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<double>(state_ >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_ = 1;
};

// Fills the window, and goes once round it, before it measures.
void emit_random(benchmark::State& state, const Stream<double>& source, std::size_t window) {
  Random random;
  for (std::size_t i = 0; i < 2 * window; ++i) source.emit(random.next());
  measure(state, 1, [&] { source.emit(random.next()); });
}

template <class Select>
void window(benchmark::State& state, Select select) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  long seen = 0;
  select(source.window(n)).sink(Count{&seen});
  emit_random(state, source, n);
  benchmark::DoNotOptimize(seen);
}

// A window of n for each of 100 keys.
template <class Select>
void keyed_window(benchmark::State& state, Select select) {
  constexpr std::size_t kKeys = 100;
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  long seen = 0;
  select(source.window(n).by([](double x) { return static_cast<int>(x * kKeys); })).sink(Count{&seen});
  emit_random(state, source, n * kKeys);
  benchmark::DoNotOptimize(seen);
}

// A window over time that has n elements: 1000 come each millisecond.
template <class Select>
void time_window(benchmark::State& state, Select select) {
  virtual_time(state, [&](const Stream<long>& s) {
    return select(s.map([](long x) { return static_cast<double>(x); }).window(state.range(0) * 1us));
  });
}

void recompute(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  double last = 0;
  source.sliding_window(n).sink([&last](const std::vector<double>& elements) {
    last = std::accumulate(elements.begin(), elements.end(), 0.0) / static_cast<double>(elements.size());
  });
  emit_random(state, source, n);
  benchmark::DoNotOptimize(last);
}

#define WINDOW_BENCHMARK(kind, name, aggregate)                                                       \
  BENCHMARK_CAPTURE(kind, name, [](const auto& elements) { return elements.aggregate; })->ArgName("n")
#define OF_ALL_SIZES Arg(10)->Arg(1000)->Arg(100'000)
#define OF_WHOLE_BURSTS Arg(1000)->Arg(100'000)

WINDOW_BENCHMARK(window, count, count())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, sum, sum())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, mean, mean())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, min, min())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, max, max())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, variance, variance())->OF_ALL_SIZES;
WINDOW_BENCHMARK(window, quantile(0.5), quantile(0.5))->OF_ALL_SIZES;
WINDOW_BENCHMARK(keyed_window, mean, mean())->Arg(10)->Arg(1000);
WINDOW_BENCHMARK(time_window, count, count())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, sum, sum())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, mean, mean())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, min, min())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, max, max())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, variance, variance())->OF_WHOLE_BURSTS;
WINDOW_BENCHMARK(time_window, quantile(0.5), quantile(0.5))->OF_WHOLE_BURSTS;
BENCHMARK(recompute)->Name("window/sliding_window and the mean computed anew")->ArgName("n")->OF_ALL_SIZES;

}  // namespace
}  // namespace penstock::bench
