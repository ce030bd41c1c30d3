#include "penstock/virtual_loop.hpp"

#include <unistd.h>

#include <asio/bind_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(VirtualLoop, StartsAtZeroAndItsTimeStandsStill) {
  VirtualLoop loop;
  EXPECT_EQ(loop.elapsed(), 0s);
  loop.run_pending();
  loop.run();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST(VirtualLoop, AdvanceRunsWhatIsDueAtItsTimeAndStopsAtTheEnd) {
  VirtualLoop loop;
  const auto impl = LoopRef(loop).get();
  std::vector<Duration> times;
  for (const auto after : {1s, 3s, 5s}) {
    impl->call_at(impl->now() + after, [&] { times.push_back(loop.elapsed()); });
  }
  loop.advance(3500ms);
  EXPECT_THAT(times, ElementsAre(1s, 3s));
  EXPECT_EQ(loop.elapsed(), 3500ms);
  loop.advance(1500ms);
  EXPECT_THAT(times, ElementsAre(1s, 3s, 5s));
}

TEST(VirtualLoop, RunsPostedBeforeTheNextTimer) {
  VirtualLoop loop;
  const auto impl = LoopRef(loop).get();
  std::vector<int> order;
  impl->call_at(impl->now() + 2s, [&] { order.push_back(3); });
  impl->call_at(impl->now() + 1s, [&] {
    order.push_back(1);
    impl->post([&] { order.push_back(2); });
  });
  loop.run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(VirtualLoop, IsItsOwnLoopThreadOnlyWhileItRuns) {
  VirtualLoop loop;
  const auto impl = LoopRef(loop).get();
  bool inside = false;
  impl->post([&] { inside = impl->on_loop_thread() && Loop::current() == impl.get(); });
  EXPECT_FALSE(impl->on_loop_thread());
  loop.run_pending();
  EXPECT_TRUE(inside);
  EXPECT_FALSE(impl->on_loop_thread());
}

TEST(VirtualLoop, ABlockingEmitLetsTimePass) {
  VirtualLoop loop;
  Stream<int> source;
  auto out = source.rate_limit(500ms, {.loop = loop}).sink_to_vector();
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 500ms);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

TEST(VirtualLoop, ABlockingEmitPassesNoMoreTimeThanItNeeds) {
  VirtualLoop loop;
  Stream<int> source;
  int ticks = 0;
  source.timed_window(1s, {.loop = loop}).sink([&](const std::vector<int>&) { ++ticks; });
  for (int x = 0; x < 10; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_EQ(ticks, 0);
}

TEST(VirtualLoop, TakesPostsFromOtherThreads) {
  VirtualLoop loop;
  const auto impl = LoopRef(loop).get();
  int ran = 0;
  std::thread([&] { impl->post([&] { ++ran; }); }).join();
  loop.run_pending();
  EXPECT_EQ(ran, 1);
}

TEST(VirtualLoop, TheLastCopyTakesWhatStillWaitsWithIt) {
  const auto token = std::make_shared<int>(0);
  {
    VirtualLoop loop;
    Stream<int> source(loop);
    source.buffer(1).sink([loop = LoopRef(loop).get().get(), token](int) -> asio::awaitable<void> {
      co_await pass_time(loop->shared_from_this(), 1h);
    });
    source.emit(1);
    loop.run_pending();
    const VirtualLoop copy = loop;
    EXPECT_GT(token.use_count(), 1);
  }
  EXPECT_EQ(token.use_count(), 1);
}

// Asio's thread tells of the wait that was cut short when nobody runs the loop any more.
TEST(VirtualLoop, WhatCompletesOnItsExecutorTooLateDoesNotKeepIt) {
  for (int i = 0; i < 50; ++i) {
    std::weak_ptr<Loop> watched;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    {
      VirtualLoop loop;
      watched = LoopRef(loop).get();
      asio::posix::stream_descriptor reader(loop.executor(), ends[0]);
      reader.async_wait(reader.wait_read, asio::bind_executor(loop.executor(), [](std::error_code) {}));
    }
    close(ends[1]);
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!watched.expired() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_TRUE(watched.expired());
  }
}

TEST(VirtualLoop, CopiesShareTheTime) {
  VirtualLoop loop;
  VirtualLoop copy = loop;
  copy.advance(1s);
  EXPECT_EQ(loop.elapsed(), 1s);
}

}  // namespace
}  // namespace penstock
