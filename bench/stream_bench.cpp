// Nanoseconds and heap allocations for each element that passes a local node.
//
//   stream_bench --benchmark_filter=local
//
// local: on the caller's thread, no loop. virtual: nodes with time, on a loop without a thread (the
// time of the windows is that of 1000 elements). thread: emit() from another thread than the loop's,
// which waits for the loop.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "penstock/runtime.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

// Not inlined: the compiler would see malloc() and a delete where there is new and free().
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace std::chrono_literals;  // NOLINT

const auto kAddOne = [](long x) { return x + 1; };
const auto kKeep = [](long x) { return x >= 0; };
const auto kAdd = [](long sum, long x) { return sum + x; };

// Emits numbers and counts what that costs. The graph is warm: its queues have their capacity.
void emit_all(benchmark::State& state, const penstock::Stream<long>& source) {
  for (long x = 0; x < 4096; ++x) source.emit(x);
  source.drain();
  const std::uint64_t before = allocations;
  long x = 0;
  for (auto _ : state) source.emit(++x);
  source.drain();
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations - before),
                                                     benchmark::Counter::kAvgIterations);
  state.SetItemsProcessed(state.iterations());
}

// ---- on the caller's thread ---------------------------------------------------------------------

void local_sink(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_sink);

void local_map(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.map(kAddOne).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_map);

void local_filter(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.filter(kKeep).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_filter);

void local_accumulate(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.accumulate(kAdd, 0L).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_accumulate);

void local_map_filter_accumulate(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.map(kAddOne).filter(kKeep).accumulate(kAdd, 0L).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_map_filter_accumulate);

// Nanoseconds for each map: the slope of a chain.
void local_chain(benchmark::State& state) {
  penstock::Stream<long> source;
  penstock::Stream<long> end = source;
  for (int i = 0; i < state.range(0); ++i) end = end.map(kAddOne);
  long last = 0;
  end.sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_chain)->ArgName("maps")->Arg(1)->Arg(10)->Arg(100);

void local_branch(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  for (int i = 0; i < state.range(0); ++i) source.sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_branch)->ArgName("sinks")->Arg(2)->Arg(8);

void local_partition(benchmark::State& state) {
  penstock::Stream<long> source;
  std::size_t last = 0;
  source.partition(static_cast<std::size_t>(state.range(0)))
      .sink([&last](const std::vector<long>& batch) { last = batch.size(); });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_partition)->ArgName("n")->Arg(8)->Arg(1024);

void local_partition_and_flatten(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.partition(64).flatten().sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_partition_and_flatten);

void local_remove(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.remove([](long x) { return x < 0; }).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_remove);

void local_slice(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.slice(1, std::nullopt, 2).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_slice);

void local_scan(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.scan(kAdd, 0L).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_scan);

void local_pluck(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.map([](long x) { return std::pair(x, x); }).pluck<1>().sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_pluck);

// All but the first 1000 are dropped.
void local_unique(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.unique({}, [](long x) { return x % 1000; }).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_unique);

// All pass, and each displaces a key.
void local_unique_of_the_newest(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.unique({.maxsize = 1000}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_unique_of_the_newest);

void local_partition_by_key(benchmark::State& state) {
  penstock::Stream<long> source;
  std::size_t last = 0;
  source.partition(static_cast<std::size_t>(state.range(0)), [](long x) { return x % 100; })
      .sink([&last](const std::vector<long>& batch) { last = batch.size(); });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_partition_by_key)->ArgName("n")->Arg(8)->Arg(1024);

void local_partition_unique(benchmark::State& state) {
  penstock::Stream<long> source;
  std::size_t last = 0;
  source.partition_unique(64).sink([&last](const std::vector<long>& batch) { last = batch.size(); });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_partition_unique);

void local_collect(benchmark::State& state) {
  penstock::Stream<long> source;
  std::size_t last = 0;
  auto collected = source.collect();
  collected.sink([&last](const std::vector<long>& all) { last = all.size(); });
  emit_all(state, source);
  collected.flush();
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_collect);

void local_concat(benchmark::State& state) {
  penstock::Stream<long> source;
  long last = 0;
  source.partition(64).concat().sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(local_concat);

void local_sink_to_textfile(benchmark::State& state) {
  penstock::Stream<long> source;
  source.sink_to_textfile("/dev/null", {.buffer_bytes = static_cast<std::size_t>(state.range(0))});
  emit_all(state, source);
}
BENCHMARK(local_sink_to_textfile)->ArgName("buffer")->Arg(0)->Arg(65536);

// ---- with time ----------------------------------------------------------------------------------

void virtual_rate_limit(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.rate_limit(1ms, {.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_rate_limit);

void virtual_delay(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.delay(1ms, {.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_delay);

void virtual_buffer(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.buffer(1024, {.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_buffer);

void virtual_map_async(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source(loop);
  long last = 0;
  source
      .map_async([](long x) -> asio::awaitable<long> { co_return x + 1; },
                 static_cast<std::size_t>(state.range(0)))
      .sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_map_async)->ArgName("parallelism")->Arg(1)->Arg(16);

void virtual_latest(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.latest({.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_latest);

void virtual_debounce(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.debounce(1ms, {.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_debounce);

void virtual_throttle(benchmark::State& state) {
  const penstock::VirtualLoop loop;
  penstock::Stream<long> source;
  long last = 0;
  source.throttle(1ms, {.loop = loop}).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(virtual_throttle);

// Emits windows of 1000 through `make_window`, an operator.
template <class MakeWindow>
void emit_windows(benchmark::State& state, MakeWindow make_window) {
  penstock::VirtualLoop loop;
  penstock::Stream<long> source(loop);
  std::size_t elements = 0;
  source.pipe(make_window).sink([&elements](const std::vector<long>& window) {
    elements += window.size();
  });
  const auto emit_window = [&] {
    for (long x = 0; x < 1000; ++x) source.emit(x);
    loop.advance(1ms);
  };
  emit_window();
  const std::uint64_t before = allocations;
  for (auto _ : state) emit_window();
  state.counters["allocations"] = benchmark::Counter(
      static_cast<double>(allocations - before) / 1000, benchmark::Counter::kAvgIterations);
  state.SetItemsProcessed(state.iterations() * 1000);
  benchmark::DoNotOptimize(elements);
}

void virtual_timed_window(benchmark::State& state) {
  emit_windows(state, [](const penstock::Stream<long>& s) { return s.timed_window(1ms); });
}
BENCHMARK(virtual_timed_window);

void virtual_timed_window_unique(benchmark::State& state) {
  emit_windows(state, [](const penstock::Stream<long>& s) { return s.timed_window_unique(1ms); });
}
BENCHMARK(virtual_timed_window_unique);

// ---- on a loop's own thread ---------------------------------------------------------------------

void thread_emit(benchmark::State& state) {
  const penstock::LoopThread loop;
  penstock::Stream<long> source(loop);
  long last = 0;
  source.map(kAddOne).sink([&last](long x) { last = x; });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(thread_emit)->UseRealTime();

void thread_buffer(benchmark::State& state) {
  const penstock::LoopThread loop;
  penstock::Stream<long> source;
  long last = 0;
  source.buffer(static_cast<std::size_t>(state.range(0)), {.loop = loop}).sink([&last](long x) {
    last = x;
  });
  emit_all(state, source);
  benchmark::DoNotOptimize(last);
}
BENCHMARK(thread_buffer)->ArgName("n")->Arg(1024)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
