// The same streams on the event loops of libuv and GLib, each on a thread of its own.
#include <glib.h>

#include <asio/steady_timer.hpp>
#include <atomic>
#include <filesystem>
#include <thread>

#include "examples/glib_loop.hpp"
#include "examples/uv_loop.hpp"
#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Runs `call` on the loop and waits for it.
template <class Call>
void on(Loop& loop, Call call) {
  std::promise<void> done;
  auto future = done.get_future();
  loop.post([&] {
    call();
    done.set_value();
  });
  ASSERT_TRUE(arrives(future));
}

class Uv {
 public:
  Uv() {
    std::promise<std::shared_ptr<Loop>> made;
    auto loop = made.get_future();
    thread_ = std::thread([this, &made] {
      uv_loop_init(&uv_);
      made.set_value(std::make_shared<UvLoop>(&uv_));
      uv_run(&uv_, UV_RUN_DEFAULT);  // returns when the UvLoop is gone
      EXPECT_EQ(uv_loop_close(&uv_), 0) << "a handle is left open";
    });
    loop_ = loop.get();
  }
  ~Uv() {
    auto* loop = loop_.get();
    loop->post([last = std::move(loop_)] {});
    thread_.join();
  }
  const std::shared_ptr<Loop>& loop() const { return loop_; }

  // Timers of libuv itself. On the loop's thread.
  int timers() {
    int count = 0;
    uv_walk(&uv_, [](uv_handle_t* handle, void* sum) {
      if (handle->type == UV_TIMER) ++*static_cast<int*>(sum);
    }, &count);
    return count;
  }

 private:
  uv_loop_t uv_;
  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

class Glib {
 public:
  Glib() : thread_([this] { g_main_loop_run(main_loop_); }) {}
  ~Glib() {
    loop_->post([this, last = std::move(loop_)] { g_main_loop_quit(main_loop_); });
    thread_.join();
    g_main_loop_unref(main_loop_);
    g_main_context_unref(context_);
  }
  const std::shared_ptr<Loop>& loop() const { return loop_; }

  // Sources of the context but the one that wakes it for post(). Their ids count from 1.
  int timers() {
    int count = -1;
    for (guint id = 1; id < 100'000; ++id) {
      if (g_main_context_find_source_by_id(context_, id) != nullptr) ++count;
    }
    return count;
  }

 private:
  GMainContext* context_ = g_main_context_new();
  GMainLoop* main_loop_ = g_main_loop_new(context_, false);
  std::shared_ptr<Loop> loop_ = std::make_shared<GlibLoop>(context_);
  std::thread thread_;
};

int threads_of_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

template <class Which>
class ForeignLoops : public ::testing::Test {
 protected:
  Which which;
  const std::shared_ptr<Loop>& loop() { return which.loop(); }
};
using Both = ::testing::Types<Uv, Glib>;
TYPED_TEST_SUITE(ForeignLoops, Both);

TYPED_TEST(ForeignLoops, RunNodesWithTimeOnTheirThread) {
  bool inside = true;
  const auto check = [&inside, loop = this->loop().get()] { inside = inside && loop->on_loop_thread(); };
  std::vector<TimePoint> times;
  Stream<int> source{this->loop()};
  auto limited = source.rate_limit(3ms).map([&](int x) {
    check();
    times.push_back(std::chrono::steady_clock::now());
    return x;
  });
  auto delayed = limited.delay(2ms).sink_to_vector();
  auto quiet = source.debounce(30ms).sink_to_vector();
  auto awaited = source.buffer(4)
                     .map_async([&](int x) -> asio::awaitable<int> {
                       check();
                       co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                       check();
                       co_return x;
                     }, 3)
                     .sink_to_vector();
  std::size_t in_windows = 0;
  source.timed_window(2ms, {.emit_empty = false}).sink([&](const std::vector<int>& window) {
    check();
    in_windows += window.size();
  });
  const TimePoint begin = std::chrono::steady_clock::now();
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
  EXPECT_TRUE(inside);
  EXPECT_THAT(delayed.values(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(awaited.values(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(quiet.values().back(), 9);
  on(*this->loop(), [&] {
    EXPECT_EQ(in_windows, 10u);
    EXPECT_EQ(times.size(), 10u);
    // Not from one to the next: the limit counts from when an element left it, not from when it came here.
    for (std::size_t i = 0; i < times.size(); ++i) EXPECT_GE(times[i] - begin, i * 3ms) << i;
  });
  source.close();
}

TYPED_TEST(ForeignLoops, RunAsiosTimersToo) {
  Stream<int> source{this->loop()};
  bool inside = false;
  source.sink([&, loop = this->loop().get()](int) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    inside = loop->on_loop_thread();
  });
  source.emit(1);
  EXPECT_TRUE(inside);
}

TYPED_TEST(ForeignLoops, AThousandTimedStreamsShareOneTimerAndNoThread) {
  on(*this->loop(), [] {});
  const int threads = threads_of_process();
  constexpr int kStreams = 1'000;
  std::vector<Stream<int>> streams;
  std::atomic<int> came{0};
  std::promise<void> all;
  auto all_came = all.get_future();
  for (int i = 0; i < kStreams; ++i) {
    Stream<int> source{this->loop()};
    source.debounce(std::chrono::milliseconds(20 + i % 10)).sink([&](int) {
      if (++came == kStreams) all.set_value();
    });
    source.timed_window(1h, {.emit_empty = false}).sink([](const std::vector<int>&) {});
    source.delay(1h).sink([](int) {});
    streams.push_back(source);
  }
  for (const auto& source : streams) source.async_emit(7, asio::detached);
  int timers = 0;
  on(*this->loop(), [&] { timers = this->which.timers(); });
  EXPECT_EQ(timers, 1);
  EXPECT_LE(threads_of_process(), threads);  // one of a test before this may have been about to end
  ASSERT_TRUE(arrives(all_came));
  on(*this->loop(), [&] { EXPECT_EQ(this->which.timers(), 1); });
}

TYPED_TEST(ForeignLoops, RunASourceThatStopsAndStarts) {
  std::atomic<int> emitted{0};
  std::promise<void> first, second;
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 1;; ++x) {
          co_await out.emit(x);
          co_await out.pause(1ms);
        }
      },
      {.loop = this->loop()});
  source.sink([&](int) {
    const int n = ++emitted;
    if (n == 5) first.set_value();
    if (n == 10) second.set_value();
  });
  source.start();
  ASSERT_TRUE(arrives(first.get_future()));
  source.stop();
  on(*this->loop(), [] {});
  source.start();
  ASSERT_TRUE(arrives(second.get_future()));
  source.stop();
  on(*this->loop(), [] {});
}

TYPED_TEST(ForeignLoops, RefuseABlockingCallOnTheirThread) {
  Stream<int> source{this->loop()};
  on(*this->loop(), [&] { EXPECT_THROW(source.emit(1), LoopError); });
}

TYPED_TEST(ForeignLoops, MayOutliveStreamsThatWaitForATimer) {
  const auto token = std::make_shared<int>(0);
  {
    Stream<std::shared_ptr<int>> source{this->loop()};
    source.delay(20ms).sink([](const std::shared_ptr<int>&) {});
    source.emit(token);
  }
  const auto until = std::chrono::steady_clock::now() + kDeadline;
  while (token.use_count() > 1 && std::chrono::steady_clock::now() < until) on(*this->loop(), [] {});
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace penstock
