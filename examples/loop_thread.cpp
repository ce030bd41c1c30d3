// Way 2 of 5: an event loop on a thread of its own.
//
// For programs without an event loop. A LoopThread is one in the background; the stream's functions
// run there, one at a time, and emit() is an ordinary blocking call in the thread that has the
// data.
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <iostream>
#include <penstock/runtime.hpp>
#include <thread>

using namespace std::chrono_literals;

int increment(int x) {
  std::this_thread::sleep_for(20ms);
  return x + 1;
}

// A sink may be a coroutine on any kind of loop; this one runs on the LoopThread.
asio::awaitable<void> write_line(int x) {
  asio::steady_timer slow_disk(co_await asio::this_coro::executor, 5ms);
  co_await slow_disk.async_wait(asio::use_awaitable);
  std::cout << x << std::endl;
}

int main() {
  penstock::LoopThread loop;
  penstock::Stream<int> source;
  // One node names the loop, and all nodes of the graph run on it.
  source.map(increment).rate_limit(50ms, {.loop = loop}).sink(write_line);

  for (int x = 0; x < 10; ++x) source.emit(x);  // blocks until the pipeline is ready for the next
}
