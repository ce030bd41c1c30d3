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

  // Emits in a thread of its own, which is over in the end, whatever becomes of the test.
  struct Emitter {
    template <class Emit>
    explicit Emitter(Emit emit) : thread(std::move(emit)) {}
    ~Emitter() { join(); }
    void join() {
      may_end = true;
      if (thread.joinable()) thread.join();
    }
    std::thread thread;
  };

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
  Emitter emitter([&] {
    for (int x = 0; x < 200; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([&] { return between >= 5; }));
  EXPECT_EQ(settled(between), 5) << "four on their way, and one that waits";
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
  Emitter emitter([&] {
    for (int x = 0; x < 8; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([] { return waiting_to_end == 16; }));
  EXPECT_LE(settled(opened), 4 + 50) << "all that are in the window, and the items of the first";
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
  Emitter emitter([&] {
    for (; emitted < 100; ++emitted) second.emit(emitted);
  });
  ASSERT_TRUE(becomes_true([&] { return waiting_to_end >= 4; }));
  EXPECT_LE(settled(emitted), 12);
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
  Emitter emitter([&] {
    for (int x = 100; x < 200; ++x) source.emit(x);
  });
  ASSERT_TRUE(becomes_true([&] { return begun > before; }));
  EXPECT_LE(settled(begun) - before, 10);
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
  Emitter emitter([&] {
    for (; emitted < 3000; ++emitted) source.emit(emitted);
  });
  ASSERT_TRUE(becomes_true([&] { return emitted >= 2048; }));
  EXPECT_EQ(settled(emitted), 2048);
  emitter.join();
  source.drain();
  EXPECT_EQ(out.values().size(), 3000u);
}

// ---- what a cycle brings back waits for nothing ----------------------------------------------------

int one_less(int x) { return x - 1; }
std::vector<int> two_less_one(int x) { return {x - 1, x - 1}; }

TEST_F(BackPressure, ACycleThroughTwoScattersAndABufferGoesOn) {
  Stream<int> source;
  std::atomic<int> seen{0};
  auto back = source.scatter(client, {.window = 2})
                  .map(one_less)
                  .gather()
                  .buffer(2)
                  .scatter(client, {.window = 2})
                  .map(one_less)
                  .gather()
                  .map([&](int x) { return ++seen, x; })
                  .filter([](int x) { return x > 0; });
  back.connect(source);
  for (int i = 0; i < 200; ++i) source.emit(20);
  source.drain();
  EXPECT_EQ(seen, 200 * 10);
}

TEST_F(BackPressure, ACycleThroughAUnionAndAFlattenGoesOn) {
  Stream<int> seeds, found;
  std::atomic<int> seen{0};
  auto links = seeds.scatter(client, {.window = 2})
                   .union_with(found.scatter(client, {.window = 2}))
                   .map(two_less_one)
                   .flatten()
                   .gather()
                   .map([&](int x) { return ++seen, x; })
                   .filter([](int x) { return x > 0; });
  links.connect(found);
  for (int i = 0; i < 20; ++i) seeds.emit(6);
  seeds.drain();
  found.drain();
  EXPECT_EQ(seen, 20 * (2 + 4 + 8 + 16 + 32 + 64));
}

TEST_F(BackPressure, ACycleThroughAJoinGoesOn) {
  Stream<int> source, found;
  std::atomic<int> seen{0};
  auto back = source.scatter(client, {.window = 2})
                  .combine_latest(found.scatter(client, {.window = 2}))
                  .starmap([](int, int x) { return x - 1; })
                  .gather()
                  .map([&](int x) { return ++seen, x; })
                  .filter([](int x) { return x > 0; });
  back.connect(found);
  source.emit(0);
  source.drain();
  for (int i = 0; i < 50; ++i) found.emit(10);
  found.drain();
  EXPECT_EQ(seen, 50 * 10);
}

// What a sink emits into another stream is no edge of the graph.
TEST_F(BackPressure, ASinkMayEmit) {
  Stream<int> source, other;
  source.scatter(client, {.window = 4}).map(one_less).gather().sink([&](int x) { other.emit(x); });
  auto out = other.scatter(client, {.window = 1}).map(one_less).gather().sink_to_vector();
  for (int i = 0; i < 500; ++i) source.emit(i);
  source.drain();
  other.drain();
  EXPECT_EQ(out.values().size(), 500u);
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
