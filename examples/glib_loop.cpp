// Way 5 of 5, on GLib's main loop: what GTK and GStreamer programs run on.
//
// Class GlibLoop (glib_loop.hpp) is all that Penstock needs. The stream's functions, the coroutine and the
// rate limit's timer run in g_main_loop_run(), beside the program's own sources.
#include "glib_loop.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <penstock/runtime.hpp>
#include <thread>

using namespace std::chrono_literals;

void check_thread() {
  if (g_main_context_is_owner(g_main_context_default())) return;
  std::cerr << "not in the main loop\n";
  std::abort();
}

int increment(int x) {
  check_thread();
  std::this_thread::sleep_for(20ms);
  return x + 1;
}

void write_line(int x) {
  check_thread();
  std::cout << x << std::endl;
}

asio::awaitable<void> run(std::shared_ptr<penstock::Loop> loop) {
  penstock::Stream<int> source(loop);
  source.map(increment).rate_limit(50ms).sink(write_line);
  for (int x = 0; x < 10; ++x) {
    co_await source.async_emit(x);
    check_thread();
  }
}

// A timer that the program has on its main loop beside the stream.
int tick(void* ticks) {
  check_thread();
  ++*static_cast<int*>(ticks);
  return G_SOURCE_CONTINUE;
}

int main() {
  GMainLoop* main_loop = g_main_loop_new(nullptr, false);
  int ticks = 0;
  const guint ticker = g_timeout_add(10, tick, &ticks);
  std::exception_ptr failure;
  {
    // The type of the base: it is what streams take. From here on the coroutine keeps it alive.
    const std::shared_ptr<penstock::Loop> loop = std::make_shared<GlibLoop>(g_main_context_default());
    asio::co_spawn(loop->executor(), run(loop), [&](std::exception_ptr error) {
      failure = error;
      g_main_loop_quit(main_loop);
    });
  }
  g_main_loop_run(main_loop);
  g_source_remove(ticker);
  g_main_loop_unref(main_loop);
  if (failure) std::rethrow_exception(failure);
  std::cerr << "GLib's own timer ticked " << ticks << " times meanwhile\n";
}
