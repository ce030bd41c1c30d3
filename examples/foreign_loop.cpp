// Way 5 of 5: on an event loop that is not Asio's.
//
// Here it is libuv's; class UvLoop (uv_loop.hpp) is all that Penstock needs to run on it. Everything
// happens on the thread that calls uv_run(): the stream's functions, the coroutines, the rate limit's
// timer, beside the callbacks that the program has there anyway. check_thread() checks it.
// glib_loop.cpp is the same for GLib.
#include <unistd.h>

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <penstock/runtime.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "uv_loop.hpp"

using namespace std::chrono_literals;

const std::thread::id uv_thread = std::this_thread::get_id();

void check_thread() {
  if (std::this_thread::get_id() == uv_thread) return;
  std::cerr << "not on the thread of the libuv loop\n";
  std::abort();
}

// libuv's asynchronous write to standard output, to be awaited: any callback API becomes an
// awaitable like this.
template <class Token = asio::use_awaitable_t<>>
auto async_write_line(uv_loop_t* uv, std::string line, Token&& token = {}) {
  return asio::async_initiate<Token, void(std::error_code)>(
      [](auto handler, uv_loop_t* loop, std::string text) {
        struct Write {
          decltype(handler) done;
          std::string text;
          uv_fs_t request{};
        };
        auto* write = new Write{std::move(handler), std::move(text)};
        write->request.data = write;
        const auto buffer =
            uv_buf_init(write->text.data(), static_cast<unsigned>(write->text.size()));
        uv_fs_write(loop, &write->request, STDOUT_FILENO, &buffer, 1, -1, [](uv_fs_t* request) {
          const std::unique_ptr<Write> owned(static_cast<Write*>(request->data));
          const int error = request->result < 0 ? static_cast<int>(-request->result) : 0;
          uv_fs_req_cleanup(request);
          std::move(owned->done)(std::error_code(error, std::system_category()));
        });
      },
      token, uv, std::move(line) + '\n');
}

int increment(int x) {
  check_thread();
  std::this_thread::sleep_for(20ms);
  return x + 1;
}

asio::awaitable<void> write_line(int x) {
  check_thread();
  co_await async_write_line(uv_default_loop(), std::to_string(x));
  check_thread();
}

asio::awaitable<void> run(std::shared_ptr<penstock::Loop> loop) {
  penstock::Stream<int> source(loop);
  source.map(increment).rate_limit(50ms).sink(write_line);
  for (int x = 0; x < 10; ++x) {
    co_await source.async_emit(x);
    check_thread();
  }
}

// A timer that the program has on its loop beside the stream.
struct Ticker {
  explicit Ticker(uv_loop_t* uv) {
    uv_timer_init(uv, timer.get());
    timer->data = this;
    const auto tick = [](uv_timer_t* handle) {
      check_thread();
      ++static_cast<Ticker*>(handle->data)->ticks;
    };
    uv_timer_start(timer.get(), tick, 10, 10);
  }
  UvHandle<uv_timer_t> timer{new uv_timer_t};
  int ticks = 0;
};

int main() {
  uv_loop_t* uv = uv_default_loop();
  Ticker ticker(uv);
  std::exception_ptr failure;
  {
    // The type of the base: it is what streams take. From here on the coroutine keeps it alive.
    const std::shared_ptr<penstock::Loop> loop = std::make_shared<UvLoop>(uv);
    asio::co_spawn(loop->executor(), run(loop), [&](std::exception_ptr error) {
      failure = error;
      ticker.timer.reset();
    });
  }
  uv_run(uv, UV_RUN_DEFAULT);  // returns when nothing is left to do: stream done, ticker closed
  if (failure) std::rethrow_exception(failure);
  std::cerr << "libuv's own timer ticked " << ticker.ticks << " times meanwhile\n";
  return uv_loop_close(uv) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
