// Nodes that decouple or await, sources, and emits into a loop.
#include <asio/post.hpp>
#include <asio/use_future.hpp>
#include <exception>
#include <future>
#include <memory>

#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

using Long = Stream<long>;

asio::awaitable<long> add_one_later(long x) { co_return x + 1; }
asio::awaitable<void> take_later(long) { co_return; }

constexpr auto kIgnore = [](std::exception_ptr) {};

// ---- on the loop's own thread -------------------------------------------------------------------

BENCHMARK_CAPTURE(loop, from_iterable, [](const Long& s) { return s; });
BENCHMARK_CAPTURE(loop, buffer(1024), [](const Long& s) { return s.buffer(1024); });
// The source waits for a place again and again.
BENCHMARK_CAPTURE(loop, buffer(16), [](const Long& s) { return s.buffer(16); });
BENCHMARK_CAPTURE(loop, latest, [](const Long& s) { return s.latest(); });
BENCHMARK_CAPTURE(loop, map with an awaitable, [](const Long& s) { return s.map(add_one_later); });
BENCHMARK_CAPTURE(loop, map_async(1), [](const Long& s) { return s.map_async(add_one_later, 1); });
BENCHMARK_CAPTURE(loop, map_async(16), [](const Long& s) { return s.map_async(add_one_later, 16); });
// A branch, so that all of them have a sink that counts.
BENCHMARK_CAPTURE(loop, sink with an awaitable, [](const Long& s) {
  s.sink(take_later);
  return s;
});

void async_emit_on_the_loop(benchmark::State& state) {
  asio::io_context io(1);
  Long source(io);
  long seen = 0;
  source.sink(Count{&seen});
  measure(state, kBatch, [&] {
    asio::post(io, [&] {
      for (long x = 0; x < kBatch; ++x) source.async_emit(x, kIgnore);
    });
    io.restart();
    io.poll();
  });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(async_emit_on_the_loop)->Name("loop/async_emit");

void queue(benchmark::State& state) {
  asio::io_context io(1);
  const auto numbers = std::make_shared<Queue<long>>(kBatch);
  const auto source = from_queue(numbers, {.loop = io});
  long seen = 0;
  source.sink(Count{&seen});
  source.start();
  measure(state, kBatch, [&] {
    for (long x = 0; x < kBatch; ++x) numbers->push(x);
    io.restart();
    io.poll();
  });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(queue)->Name("loop/from_queue, push included");

// Goes on after a batch until the loop looks up from it: every 32 elements.
void coroutine(benchmark::State& state) {
  asio::io_context io(1);
  long wanted = 0;
  long seen = 0;
  const auto source = from_coroutine<long>(
      [](Emitter<long> out) -> asio::awaitable<void> {
        for (long x = 0;; ++x) co_await out.emit(x);
      },
      {.loop = io});
  source.sink(Count{&seen});
  source.start();
  measure(state, kBatch, [&] {
    wanted += kBatch;
    while (seen < wanted) io.run_one();
  });
  source.stop();
  io.poll();
}
BENCHMARK(coroutine)->Name("loop/from_coroutine");

// ---- from another thread than the loop's --------------------------------------------------------

void blocking_emit(benchmark::State& state) {
  const LoopThread thread;
  Long source(thread);
  long seen = 0;
  source.sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(blocking_emit)->Name("thread/emit")->UseRealTime();

void blocking_emit_to_buffer(benchmark::State& state) {
  const LoopThread thread;
  Long source;
  long seen = 0;
  source.buffer(1024, {.loop = thread}).sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
  source.drain();
}
BENCHMARK(blocking_emit_to_buffer)->Name("thread/emit into buffer(1024)")->UseRealTime();

// Completes on the loop, and is waited for once in a batch.
void async_emit(benchmark::State& state) {
  const LoopThread thread;
  Long source(thread);
  long seen = 0;
  source.sink(Count{&seen});
  measure(state, kBatch, [&] {
    for (long x = 1; x < kBatch; ++x) source.async_emit(x, kIgnore);
    source.async_emit(0, asio::use_future).get();
  });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(async_emit)->Name("thread/async_emit, batches of 1000")->UseRealTime();

void push_to_queue(benchmark::State& state) {
  const LoopThread thread;
  const auto numbers = std::make_shared<Queue<long>>(1024);
  const auto source = from_queue(numbers, {.loop = thread});
  std::promise<void> last_came;
  source.sink([&](long x) {
    if (x < 0) last_came.set_value();
  });
  source.start();
  measure(state, 1, [&, x = 0L]() mutable { numbers->push(++x); });
  numbers->push(-1);
  last_came.get_future().wait();
}
BENCHMARK(push_to_queue)->Name("thread/push into a Queue(1024)")->UseRealTime();

}  // namespace
}  // namespace penstock::bench
