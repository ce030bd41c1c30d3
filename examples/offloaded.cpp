// Way 3 of 5: offloaded to worker processes.
//
//   example_offloaded                    starts a scheduler and four workers of its own
//   example_offloaded 127.0.0.1:8786     uses a running cluster:
//       penstock-scheduler &
//       penstock-worker --app ./example_offloaded --workers 4 &
//
// Each increment takes four times as long as the rate limit allows for. Four run at a time, so the
// numbers still come every 50 ms, and in order: the second program would need 2 s without
// scatter().
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <iostream>
#include <penstock/penstock.hpp>
#include <thread>

using namespace std::chrono_literals;

// Any blocking C++ function. It runs in another process, started from this same program.
int increment(int x) {
  std::this_thread::sleep_for(200ms);
  return x + 1;
}

// Runs here, on the client's loop: what comes after gather() is local again.
asio::awaitable<void> write_line(int x) {
  asio::steady_timer slow_disk(co_await asio::this_coro::executor, 5ms);
  co_await slow_disk.async_wait(asio::use_awaitable);
  std::cout << x << std::endl;
}

// A local stream, a distributed middle, a local end.
void scatter_and_gather() {
  penstock::Stream<int> source;
  source.scatter().map(increment).rate_limit(50ms).gather().sink(write_line);
  for (int x = 0; x < 10; ++x) source.emit(x);  // blocks while rate limit or window say so
  source.drain();                               // everything emitted has reached the sink
}

// The same, distributed from the start: what is emitted goes to the workers at once.
void distributed_from_the_start() {
  penstock::DistributedStream<int> source;
  source.map(increment).rate_limit(50ms).gather().sink(write_line);
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
}

int main(int argc, char** argv) {
  penstock::init();  // first line: in a worker process this never returns
  auto client =
      argc > 1 ? penstock::Client::connect(argv[1]) : penstock::Client::local({.workers = 4});
  std::cerr << "watch it at " << client.dashboard() << '\n';

  scatter_and_gather();
  distributed_from_the_start();
}
