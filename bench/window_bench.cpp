// Nanoseconds for each element that passes a window, and how it grows with the window: flat, but
// for quantiles, whose growth is logarithmic.
//
//   window_bench --benchmark_filter=mean
//
// elements: window(n). time: window(interval) with n elements in it. keyed: 100 keys, each with n
// elements. recompute: what sliding_window(n) and a loop over the window cost instead. Each element
// has another value and the caches are as cold as a window of n makes them.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "penstock/runtime.hpp"

namespace {

using namespace std::chrono_literals;  // NOLINT
using penstock::Stream;

// Numbers in no order, and the same in every run.
class Numbers {
 public:
  double next() {
    state_ = state_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<double>(state_ >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_ = 1;
};

// Fills the window, and goes once round it, before it measures.
void emit_all(benchmark::State& state, const Stream<double>& source, std::size_t window) {
  Numbers numbers;
  for (std::size_t i = 0; i < 2 * window; ++i) source.emit(numbers.next());
  for (auto _ : state) source.emit(numbers.next());
  state.SetItemsProcessed(state.iterations());
}

template <class Select>
void elements(benchmark::State& state, Select select) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  double last = 0;
  select(source.window(n)).sink([&last](double x) { last = x; });
  emit_all(state, source, n);
  benchmark::DoNotOptimize(last);
}

template <class Select>
void keyed(benchmark::State& state, Select select) {
  constexpr std::size_t kKeys = 100;
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  double last = 0;
  const auto key = [](double x) { return static_cast<int>(x * kKeys); };
  select(source.window(n).by(key)).sink([&last](const auto& result) { last = result.second; });
  emit_all(state, source, n * kKeys);
  benchmark::DoNotOptimize(last);
}

// Emitted onto a loop; its clock moves once for 10 elements. The time is that of 10.
void time(benchmark::State& state) {
  penstock::VirtualLoop loop;
  Stream<double> source;
  double last = 0;
  source.window(state.range(0) * 1us, {.loop = loop}).mean().sink([&last](double x) { last = x; });
  Numbers numbers;
  const auto emit_ten = [&] {
    loop.advance(10us);
    for (int i = 0; i < 10; ++i) source.emit(numbers.next());
  };
  for (std::int64_t i = 0; i < 2 * state.range(0); i += 10) emit_ten();
  for (auto _ : state) emit_ten();
  state.SetItemsProcessed(10 * state.iterations());
  benchmark::DoNotOptimize(last);
}

void recompute(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Stream<double> source;
  double last = 0;
  source.sliding_window(n).sink([&last](const std::vector<double>& window) {
    last = std::accumulate(window.begin(), window.end(), 0.0) / static_cast<double>(window.size());
  });
  emit_all(state, source, n);
  benchmark::DoNotOptimize(last);
}

#define WINDOW_BENCHMARK(kind, name, aggregate)                                               \
  BENCHMARK_CAPTURE(kind, name, [](const auto& window) { return window.aggregate; })->ArgName("n")
#define OF_ALL_SIZES Arg(10)->Arg(1000)->Arg(100'000)

WINDOW_BENCHMARK(elements, count, count())->OF_ALL_SIZES;
WINDOW_BENCHMARK(elements, sum, sum())->OF_ALL_SIZES;
WINDOW_BENCHMARK(elements, mean, mean())->OF_ALL_SIZES;
WINDOW_BENCHMARK(elements, max, max())->OF_ALL_SIZES;
WINDOW_BENCHMARK(elements, variance, variance())->OF_ALL_SIZES;
WINDOW_BENCHMARK(elements, median, quantile(0.5))->OF_ALL_SIZES;
WINDOW_BENCHMARK(keyed, mean, mean())->Arg(10)->Arg(1000);
BENCHMARK(time)->ArgName("n")->OF_ALL_SIZES;
BENCHMARK(recompute)->ArgName("n")->OF_ALL_SIZES;

}  // namespace

BENCHMARK_MAIN();
