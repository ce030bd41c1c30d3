// Distributed streams on real clusters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <functional>
#include <penstock/penstock.hpp>
#include <string>
#include <thread>
#include <vector>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

int add_one(int x) { return x + 1; }

struct DistributedStreamTest : testing::Test {
  Client client = Client::local({.workers = 2, .threads = 2, .dashboard = false});
};

TEST_F(DistributedStreamTest, BringsResultsBackInOrder) {
  Stream<int> source;
  auto out = source.scatter()
                 .map([](int x) {
                   std::this_thread::sleep_for(std::chrono::microseconds((x * 37) % 500));
                   return x + 1;
                 })
                 .gather()
                 .sink_to_vector();
  for (int x = 0; x < 500; ++x) source.emit(x);
  source.drain();
  const auto values = out.values();
  ASSERT_EQ(values.size(), 500u);
  for (int x = 0; x < 500; ++x) ASSERT_EQ(values[x], x + 1);
}

TEST_F(DistributedStreamTest, FusesConsecutiveMapsIntoOneTask) {
  Stream<int> source;
  // Both run on the same thread, one right after the other.
  auto out = source.scatter()
                 .map([](int) { return std::hash<std::thread::id>()(std::this_thread::get_id()); })
                 .map([](std::size_t thread) {
                   return thread == std::hash<std::thread::id>()(std::this_thread::get_id());
                 })
                 .gather()
                 .sink_to_vector();
  for (int x = 0; x < 100; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), testing::Each(true));
}

TEST_F(DistributedStreamTest, KeepsAllWorkersBusyWithNoBufferNode) {
  Stream<int> source;
  std::atomic<int> done{0};
  source.scatter()
      .map([](int x) {
        std::this_thread::sleep_for(50ms);
        return x;
      })
      .gather()
      .sink([&](int) { ++done; });
  const auto start = std::chrono::steady_clock::now();
  for (int x = 0; x < 40; ++x) source.emit(x);
  source.drain();
  // One after the other would take 2 s; four threads need 0.5 s.
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1500ms);
  EXPECT_EQ(done, 40);
}

TEST_F(DistributedStreamTest, TakesEmitsDirectly) {
  DistributedStream<int> source;
  auto out = source.map(add_one).gather().sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST_F(DistributedStreamTest, PassesExtraArguments) {
  Stream<std::string> source;
  auto out = source.scatter()
                 .map([](const std::string& x, const std::string& with, int times) {
                   std::string result = x;
                   for (int i = 0; i < times; ++i) result += with;
                   return result;
                 }, "-", 3)
                 .gather()
                 .sink_to_vector();
  source.emit("a");
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("a---"));
}

TEST_F(DistributedStreamTest, BranchesShareTheirCommonInput) {
  Stream<int> source;
  auto common = source.scatter().map(add_one);
  auto twice = common.map([](int x) { return 2 * x; }).gather().sink_to_vector();
  auto text = common.map([](int x) { return std::to_string(x); }).gather().sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(twice.values(), ElementsAre(2, 4, 6));
  EXPECT_THAT(text.values(), ElementsAre("1", "2", "3"));
}

TEST_F(DistributedStreamTest, AccumulatesInOrderOnTheWorkers) {
  Stream<int> source;
  auto out = source.scatter()
                 .map(add_one)
                 .accumulate([](long sum, int x) { return sum * 3 + x; }, 0L)
                 .gather()
                 .sink_to_vector();
  std::vector<long> expected;
  long sum = 0;
  for (int x = 0; x < 30; ++x) {
    source.emit(x);
    expected.push_back(sum = sum * 3 + x + 1);
  }
  source.drain();
  EXPECT_EQ(out.values(), expected);
}

TEST_F(DistributedStreamTest, AccumulatesFromTheFirstElementWithoutAStart) {
  DistributedStream<int> source;
  auto out = source.accumulate([](int a, int b) { return a + b; }).gather().sink_to_vector();
  for (int x = 1; x <= 4; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 6, 10));
}

TEST_F(DistributedStreamTest, AccumulatesWithAnOutputOfItsOwn) {
  DistributedStream<int> source;
  auto out = source
                 .accumulate(
                     [](int count, int x) {
                       return std::pair(count + 1, std::to_string(count) + ":" + std::to_string(x));
                     },
                     0, returns_state)
                 .gather()
                 .sink_to_vector();
  for (int x : {7, 8}) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre("0:7", "1:8"));
}

TEST_F(DistributedStreamTest, LosesOnlyTheElementThatFailed) {
  Stream<int> source;
  Stream<Failure> errors;
  std::vector<std::string> texts;
  errors.sink([&](const Failure& failure) { texts.push_back(failure.text()); });
  auto out = source.scatter()
                 .map([](int x) {
                   if (x == 1) throw std::runtime_error("one is bad");
                   return x;
                 })
                 .gather()
                 .on_error(ErrorPolicy::dead_letter(errors))
                 .sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(0, 2, 3));
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0], HasSubstr("task raised std::runtime_error: one is bad"));
}

TEST_F(DistributedStreamTest, LosesOnlyTheElementThatFailedInAnAccumulate) {
  Stream<int> source;
  Stream<Failure> errors;
  std::vector<TaskErrorInfo> seen;
  errors.sink([&](const Failure& failure) {
    try {
      std::rethrow_exception(failure.error);
    } catch (const TaskRaised& error) {
      seen.push_back({error.kind(), error.type(), error.text(), error.task(), error.worker(),
                      error.attempt()});
    }
  });
  auto out = source.scatter()
                 .accumulate(
                     [](int sum, int x) {
                       if (x == 1) throw std::range_error("one is bad");
                       return sum + x;
                     },
                     0)
                 .gather()
                 .on_error(ErrorPolicy::dead_letter(errors))
                 .sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(0, 2, 5));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].type, "std::range_error");
  EXPECT_EQ(seen[0].text, "one is bad");
  EXPECT_THAT(seen[0].task, HasSubstr("lambda"));
  EXPECT_THAT(seen[0].worker, testing::StartsWith("local-"));
  EXPECT_EQ(seen[0].attempt, 1u);
}

TEST_F(DistributedStreamTest, TakesTuplesApartForStarmap) {
  Stream<std::pair<int, std::string>> source;
  auto out = source.scatter()
                 .starmap([](int times, const std::string& text, char end) {
                   std::string all;
                   for (int i = 0; i < times; ++i) all += text;
                   return all + end;
                 }, '.')
                 .gather()
                 .sink_to_vector();
  source.emit({2, "ab"});
  source.emit({0, "c"});
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("abab.", "."));
}

TEST_F(DistributedStreamTest, RaisesAnErrorAtTheNextDrain) {
  Stream<int> source;
  source.scatter()
      .map([](int) -> int { throw std::domain_error("never"); })
      .gather()
      .sink([](int) {});
  source.emit(1);
  EXPECT_THROW(source.drain(), TaskRaised);
  source.drain();
}

TEST_F(DistributedStreamTest, MakesEmitWaitWhileTheWindowIsFull) {
  Stream<int> source;
  std::atomic<int> delivered{0};
  source.scatter(client, {.window = 2})
      .map([](int x) {
        std::this_thread::sleep_for(20ms);
        return x;
      })
      .gather()
      .sink([&](int) { ++delivered; });
  for (int x = 0; x < 10; ++x) {
    source.emit(x);
    EXPECT_GE(delivered, x - 2) << "more than two on their way";
  }
  source.drain();
  EXPECT_EQ(delivered, 10);
}

TEST_F(DistributedStreamTest, ACycleDoesNotWaitForItself) {
  for (const std::size_t window : {1, 2, 0}) {
    Stream<int> source;
    std::atomic<int> seen{0};
    auto again = source.scatter(client, {.window = window})
                     .map([](int x) { return x + 100; })
                     .gather()
                     .filter([](int x) { return x < 500; });
    again.sink([&](int) { ++seen; });
    again.connect(source);
    for (int x = 0; x < 50; ++x) source.emit(x);
    source.drain();
    EXPECT_EQ(seen, 200);
  }
}

TEST_F(DistributedStreamTest, SetsTheWindowWithBuffer) {
  Stream<int> source;
  std::atomic<int> delivered{0};
  source.scatter().map([](int x) { std::this_thread::sleep_for(5ms); return x; }).buffer(3).gather()
      .sink([&](int) { ++delivered; });
  for (int x = 0; x < 20; ++x) {
    source.emit(x);
    EXPECT_GE(delivered, x - 3);
  }
  source.drain();
}

TEST_F(DistributedStreamTest, LimitsTheRateWhileTasksRun) {
  Stream<int> source;
  auto out = source.scatter().map(add_one).rate_limit(30ms).gather().sink_to_vector();
  const auto start = std::chrono::steady_clock::now();
  for (int x = 0; x < 5; ++x) source.emit(x);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 120ms);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(DistributedStreamTest, FlushesWhatIsBehindItAtTheEnd) {
  Stream<int> source;
  auto out = source.scatter().map(add_one).gather().partition(2).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(std::vector{1, 2}, std::vector{3}));
}

TEST_F(DistributedStreamTest, NeverBlocksTheLoopOfACoroutine) {
  asio::io_context io;
  Stream<int> source{LoopRef(io)};
  std::vector<int> out;
  int ticks = 0;
  source.scatter(client, {.window = 1})
      .map([](int x) { std::this_thread::sleep_for(10ms); return x; })
      .gather()
      .sink([&](int x) { out.push_back(x); });
  bool done = false;
  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    for (int x = 0; x < 5; ++x) co_await source.async_emit(x);
    co_await source.async_drain();
    done = true;
  }, asio::detached);
  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    asio::steady_timer timer(io);
    while (!done) {
      timer.expires_after(2ms);
      co_await timer.async_wait(asio::use_awaitable);
      ++ticks;
    }
  }, asio::detached);
  io.run();
  EXPECT_THAT(out, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_GT(ticks, 5);
}

TEST_F(DistributedStreamTest, RunsOnTheLoopOfTheStreamBeforeIt) {
  LoopThread loop;
  Stream<int> source{LoopRef(loop)};
  std::atomic<bool> on_loop{false};
  source.scatter().map(add_one).gather().sink([&](int) { on_loop = loop.loop()->on_loop_thread(); });
  source.emit(1);
  source.drain();
  EXPECT_TRUE(on_loop);
}

TEST_F(DistributedStreamTest, MayBeDroppedWithTasksOnTheirWay) {
  for (int i = 0; i < 20; ++i) {
    Stream<int> source;
    source.scatter().map([](int x) { std::this_thread::sleep_for(1ms); return x; }).gather().sink([](int) {});
    for (int x = 0; x < 10; ++x) source.emit(x);
  }
  EXPECT_EQ(client.submit(add_one, 1).get(), 2);
}

// Until it is asked to stop; for ever, if nobody does.
int until_stopped(int x) {
  const auto stop = this_task::stop_token();
  while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
  return x;
}

TEST_F(DistributedStreamTest, TakesAllItsTasksAlongWhenItGoes) {
  // On one thread: what went on would hold up the next.
  const auto one = Client::local({.mode = Client::Workers::kThreads, .workers = 1, .dashboard = false});
  const auto add = [](int a, int b) { return a + b; };
  const auto lengthen = [](int x) { return std::string(100'000, 'x') + std::to_string(until_stopped(x)); };
  const std::vector<std::function<void(const DistributedStream<int>&)>> shapes{
      [](const auto& s) { s.map(until_stopped).gather().sink([](int) {}); },
      [](const auto& s) {  // a branch, whose elements wait for what they have in common
        const auto common = s.map(until_stopped);
        common.map(add_one).gather().sink([](int) {});
        common.map(add_one).map(add_one).gather().sink([](int) {});
      },
      [](const auto& s) {  // one that is here
        const auto common = s.map(add_one);
        common.map(until_stopped).gather().sink([](int) {});
        common.gather().sink([](int) {});
      },
      [&](const auto& s) { s.accumulate([](int, int x) { return until_stopped(x); }, 0).gather().sink([](int) {}); },
      [&](const auto& s) { s.map(until_stopped).accumulate(add, 0).gather().sink([](int) {}); },
      [&](const auto& s) {  // a large value, wanted here and there
        const auto common = s.map(lengthen);
        common.gather().sink([](const std::string&) {});
        common.map([](const std::string& text) { return text.size(); }).gather().sink([](std::size_t) {});
      }};
  for (const auto& shape : shapes) {
    {
      Stream<int> source;
      shape(source.scatter(one));
      for (int x = 0; x < 5; ++x) source.emit(x);
      std::this_thread::sleep_for(20ms);  // some of it runs, mostly
    }
    EXPECT_TRUE(one.submit(add_one, 1).wait_for(20s)) << &shape - shapes.data();
  }
}

TEST(DistributedStreamHere, RunsAMapWithNothingBehindItForItsEffect) {
  static std::atomic<int> ran{0};
  ran = 0;
  const Client client = Client::local({.mode = Client::Workers::kThreads, .workers = 1, .dashboard = false});
  Stream<int> source;
  auto mapped = source.scatter(client).map([](int x) { ++ran; return x; });
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
  EXPECT_EQ(ran, 10);
}

TEST_F(DistributedStreamTest, DoesNothingInGatherOnALocalStream) {
  Stream<int> source;
  auto out = source.gather().sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

}  // namespace
}  // namespace penstock
