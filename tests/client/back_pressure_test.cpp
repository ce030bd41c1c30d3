// What a distributed stream, and a client, may have on their way is bounded, whatever the stream does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <penstock/penstock.hpp>
#include <thread>
#include <vector>

#include "tests/client/becomes_true.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;

// A task that does not end before it may.
std::atomic<bool> may_end{false};
std::atomic<int> waiting_to_end{0};
int end_when_allowed(int x) {
  ++waiting_to_end;
  while (!may_end) std::this_thread::sleep_for(1ms);
  return x;
}

std::atomic<int> opened{0};
std::vector<int> fifty(int x) {
  ++opened;
  return std::vector<int>(50, x);
}

struct BackPressure : testing::Test {
  BackPressure() {
    may_end = false;
    waiting_to_end = 0;
    opened = 0;
  }
  // How far it comes, when it comes no further.
  static int settled(const std::atomic<int>& count) {
    int before = -1;
    while (before != count) {
      before = count;
      std::this_thread::sleep_for(100ms);
    }
    return before;
  }

  // Whatever waits in one stage leaves threads for the others.
  const Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .threads = 16, .dashboard = false});
};

TEST_F(BackPressure, GoesThroughAChainOfScatters) {
  Stream<int> source;
  std::atomic<int> between{0};
  auto out = source.scatter(client, {.window = 4})
                 .map([](int x) { return x; })
                 .gather()
                 .map([&](int x) { return ++between, x; })
                 .scatter(client, {.window = 4})
                 .map(end_when_allowed)
                 .gather()
                 .sink_to_vector();
  std::thread emitter([&] {
    for (int x = 0; x < 200; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([&] { return between >= 5; }));
  EXPECT_EQ(settled(between), 5) << "four on their way, and one that waits";
  may_end = true;
  emitter.join();
  source.drain();
  EXPECT_EQ(out.values().size(), 200u);
}

TEST_F(BackPressure, GoesThroughFlatten) {
  Stream<int> source;
  auto out = source.scatter(client, {.window = 4})
                 .map(fifty)
                 .flatten()
                 .map(fifty)
                 .flatten()
                 .map(end_when_allowed)
                 .gather()
                 .sink_to_vector();
  std::thread emitter([&] {
    for (int x = 0; x < 8; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([] { return waiting_to_end == 16; }));
  EXPECT_LE(settled(opened), 4 + 50) << "all that are in the window, and the items of the first";
  may_end = true;
  emitter.join();
  source.drain();
  EXPECT_EQ(out.values().size(), 8u * 50 * 50);
}

TEST_F(BackPressure, OfAJoinReachesAllItsInputs) {
  Stream<int> first, second;
  auto out = first.scatter(client)
                 .combine_latest(second.scatter(client, {.window = 4}))
                 .buffer(4)
                 .starmap([](int a, int b) { return end_when_allowed(100 * a + b); })
                 .gather()
                 .sink_to_vector();
  first.emit(1);
  std::atomic<int> emitted{0};
  std::thread emitter([&] {
    for (; emitted < 100; ++emitted) second.emit(emitted);
  });
  ASSERT_TRUE(becomes_true([&] { return waiting_to_end >= 4; }));
  EXPECT_LE(settled(emitted), 12);
  may_end = true;
  emitter.join();
  first.drain();
  second.drain();
  EXPECT_EQ(out.values().size(), 100u);
}

TEST_F(BackPressure, IsOfLargeResultsToo) {
  Stream<int> source;
  std::atomic<int> begun{0};
  static std::atomic<int>* counter;
  counter = &begun;
  std::atomic<bool> first_is_out{false};
  may_end = true;
  source.scatter(client, {.window_bytes = 10 << 20})
      .map([](int x) {
        ++*counter;
        while (!may_end && x % 100 == 0) std::this_thread::sleep_for(1ms);
        return std::string(1 << 20, 'x');
      })
      .gather()
      .sink([&](const std::string&) { first_is_out = true; });
  for (int x = 0; x < 50; ++x) source.emit(x);  // it learns how large they are
  ASSERT_TRUE(becomes_true([&] { return first_is_out.load(); }));
  source.drain();
  may_end = false;
  const int before = begun;
  std::thread emitter([&] {
    for (int x = 100; x < 200; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([&] { return begun > before; }));
  EXPECT_LE(settled(begun) - before, 10);
  may_end = true;
  emitter.join();
  source.drain();
  EXPECT_EQ(begun, 150);
}

TEST_F(BackPressure, AStreamForOneWorkerFitsIt) {
  Stream<int> source;
  auto out = source.scatter(client, {.window = 100'000})
                 .map(end_when_allowed)
                 .with({.batch = 1, .worker = client.list_workers().front().name})
                 .gather()
                 .sink_to_vector();
  std::atomic<int> emitted{0};
  std::thread emitter([&] {
    for (; emitted < 3000; ++emitted) source.emit(emitted);
  });
  ASSERT_TRUE(becomes_true([&] { return emitted >= 2048; }));
  EXPECT_EQ(settled(emitted), 2048);
  may_end = true;
  emitter.join();
  source.drain();
  EXPECT_EQ(out.values().size(), 3000u);
}

// More than a scheduler has room for at a time.
TEST_F(BackPressure, OneFunctionMayHaveOtherCapturesInEachCall) {
  constexpr int kCalls = 110'000;
  std::vector<Future<int>> futures;
  for (int x = 0; x < kCalls; ++x) futures.push_back(client.submit([x] { return x; }));
  for (int x = 0; x < kCalls; ++x) ASSERT_EQ(futures[x].get(), x);
  // As before.
  EXPECT_EQ(client.submit([x = 1] { return x; }).get(), 1);
}

}  // namespace
}  // namespace penstock
