// Way 1 of 5: within the event loop of the application.
//
// The application has an io_context and runs it; the stream joins in. No thread is added: what is
// below runs where io.run() is called, and `co_await source.async_emit(x)` is how a coroutine waits
// for a pipeline that is not ready yet, while the loop serves whatever else it has.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <iostream>
#include <penstock/runtime.hpp>
#include <thread>

using namespace std::chrono_literals;

// Blocks, and with it the loop. The third way hands such functions to worker processes.
int increment(int x) {
  std::this_thread::sleep_for(20ms);
  return x + 1;
}

// Waits without blocking. The timer stands for a socket or a disk that takes its time.
asio::awaitable<void> write_line(int x) {
  asio::steady_timer slow_disk(co_await asio::this_coro::executor, 5ms);
  co_await slow_disk.async_wait(asio::use_awaitable);
  std::cout << x << std::endl;
}

asio::awaitable<void> run() {
  penstock::Stream<int> source(co_await asio::this_coro::executor);
  source.map(increment).rate_limit(50ms).sink(write_line);

  // Goes on when x is written: a slow sink slows this loop down, and nothing piles up in between.
  for (int x = 0; x < 10; ++x) co_await source.async_emit(x);
}

int main() {
  asio::io_context io;
  auto done = asio::co_spawn(io, run(), asio::use_future);
  io.run();
  done.get();  // rethrows what went wrong in run()
}
