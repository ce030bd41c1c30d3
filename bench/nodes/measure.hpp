// What the benchmarks of nodes share: elements, where they come from, and what they cost.
//
// A benchmark is named as the code that it measures, after the way its elements come:
//   emit          emit() on the caller's thread, no loop
//   sink          the same, and the node is a sink
//   join          the same into two streams in turns
//   loop          from inside an asio::io_context that the benchmark's thread runs
//   virtual_time  from inside a virtual loop; 1000 elements in each millisecond
//   thread        from another thread than the loop's
// Each figure is that of the whole pipeline for one element, its source and a sink that counts included.
#pragma once

#include <benchmark/benchmark.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <ranges>
#include <utility>
#include <vector>

#include "penstock/runtime.hpp"

namespace penstock::bench {

using namespace std::chrono_literals;  // NOLINT

// Calls of operator new so far, on all threads.
std::uint64_t allocations();

inline constexpr long kBatch = 1000;

inline constexpr auto kAddOne = [](long x) { return x + 1; };
inline constexpr auto kKeep = [](long x) { return x >= 0; };
inline constexpr auto kAdd = [](long sum, long x) { return sum + x; };

// The end of each pipeline.
struct Count {
  template <class T>
  void operator()(const T&) const {
    ++*seen;
  }
  long* seen;
};

// Calls run() for each iteration, of so many elements. The first calls, not counted, fill the queues.
template <class Run>
void measure(benchmark::State& state, long elements, Run run) {
  for (long warm = 0; warm < 4 * kBatch; warm += elements) run();
  const std::uint64_t before = allocations();
  for (auto _ : state) run();
  const std::uint64_t made = allocations() - before;
  const auto all = static_cast<double>(state.iterations() * elements);
  state.counters["allocs"] = static_cast<double>(made) / all;
  state.SetItemsProcessed(state.iterations() * elements);
}

// `build` puts the nodes to be measured behind a stream.
template <class Build>
void emit(benchmark::State& state, Build build) {
  Stream<long> source;
  long seen = 0;
  build(source).sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
  benchmark::DoNotOptimize(seen);
}

// As emit(); what is built is a sink.
template <class Build>
void sink(benchmark::State& state, Build build) {
  Stream<long> source;
  build(source);
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
}

template <class Build>
void join(benchmark::State& state, Build build) {
  Stream<long> a;
  Stream<long> b;
  long seen = 0;
  build(a, b).sink(Count{&seen});
  measure(state, 2, [&, x = 0L]() mutable {
    a.emit(++x);
    b.emit(x);
  });
  benchmark::DoNotOptimize(seen);
}

// Emits kBatch numbers from inside a loop after each start().
class Numbers {
  std::ranges::input_range auto range() {
    return std::views::iota(0L) | std::views::transform([this](long x) {
             if (x % kBatch == kBatch - 1) stop();
             return x;
           });
  }

 public:
  explicit Numbers(const LoopRef& loop) : source_(from_iterable(range(), {.loop = loop})) {}
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  const Source<long>& stream() const { return source_; }
  bool running() const { return running_; }
  void start() {
    running_ = true;
    source_.start();
  }

 private:
  void stop() {
    running_ = false;
    source_.stop();
  }

  Source<long> source_;
  bool running_ = false;
};

template <class Build>
void loop(benchmark::State& state, Build build) {
  asio::io_context io(1);
  Numbers numbers(io);
  long seen = 0;
  build(numbers.stream()).sink(Count{&seen});
  measure(state, kBatch, [&] {
    numbers.start();
    io.restart();
    while (numbers.running()) io.run_one();
    io.poll();
  });
  benchmark::DoNotOptimize(seen);
}

template <class Build>
void virtual_time(benchmark::State& state, Build build) {
  VirtualLoop loop;
  Numbers numbers(loop);
  long seen = 0;
  build(numbers.stream()).sink(Count{&seen});
  measure(state, kBatch, [&] {
    numbers.start();
    do {
      loop.advance(1ms);
    } while (numbers.running());
  });
  benchmark::DoNotOptimize(seen);
}

}  // namespace penstock::bench
