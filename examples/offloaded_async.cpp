// Way 4 of 5: offloaded, asynchronous.
//
//   penstock-scheduler &
//   penstock-worker --app ./example_offloaded_async --workers 4 &
//   example_offloaded_async 127.0.0.1:8786
//
// The client is made in a coroutine and nothing ever blocks the application's loop, neither
// connecting nor emitting nor waiting for the end. A heartbeat on the same loop proves it.
#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <iostream>
#include <penstock/penstock.hpp>
#include <string>
#include <thread>

using namespace std::chrono_literals;

int increment(int x) {
  std::this_thread::sleep_for(200ms);
  return x + 1;
}

asio::awaitable<void> write_line(int x) {
  asio::steady_timer slow_disk(co_await asio::this_coro::executor, 5ms);
  co_await slow_disk.async_wait(asio::use_awaitable);
  std::cout << x << std::endl;
}

struct Pulse {
  bool wanted = true;
  int beats = 0;
  std::chrono::milliseconds longest_pause{0};
};

// Beats every 5 ms, or later when something holds the loop up.
asio::awaitable<void> heartbeat(Pulse& pulse) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (pulse.wanted) {
    const auto before = std::chrono::steady_clock::now();
    timer.expires_after(5ms);
    co_await timer.async_wait(asio::use_awaitable);
    const auto pause = std::chrono::steady_clock::now() - before;
    pulse.longest_pause =
        std::max(pulse.longest_pause, std::chrono::round<std::chrono::milliseconds>(pause));
    ++pulse.beats;
  }
}

asio::awaitable<void> work(std::string address, Pulse& pulse) {
  // No loop is named here, so gathered streams run on the loop of this coroutine.
  auto client = co_await penstock::Client::async_connect(address);
  penstock::Stream<int> source;
  source.scatter(client).map(increment).rate_limit(50ms).gather().sink(write_line);

  for (int x = 0; x < 10; ++x) co_await source.async_emit(x);
  co_await source.async_drain();
  pulse.wanted = false;
}

asio::awaitable<void> run(std::string address) {
  using namespace asio::experimental::awaitable_operators;
  Pulse pulse;
  co_await (work(std::move(address), pulse) && heartbeat(pulse));
  std::cerr << "the loop beat " << pulse.beats << " times meanwhile; its longest pause was "
            << pulse.longest_pause.count() << " ms\n";
}

int main(int argc, char** argv) {
  penstock::init();
  asio::io_context io;
  auto done = asio::co_spawn(io, run(argc > 1 ? argv[1] : "127.0.0.1:8786"), asio::use_future);
  io.run();
  done.get();
}
