#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class FromQueue : public ::testing::Test {
 protected:
  VirtualLoop loop;
  std::shared_ptr<Queue<int>> queue = std::make_shared<Queue<int>>(3);
  Source<int> source = from_queue(queue, {.loop = loop});
};

TEST_F(FromQueue, EmitsWhatWasPushedBeforeAndAfterTheStart) {
  auto out = source.sink_to_vector();
  queue->push(1);
  source.start();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1));
  queue->push(2);
  queue->push(3);
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
  source.stop();
  loop.run();
}

TEST_F(FromQueue, EndsWhenTheQueueWasClosedAndIsEmpty) {
  auto out = source.partition(2).sink_to_vector();
  source.start();
  for (int x : {1, 2, 3}) queue->push(x);
  queue->close();
  EXPECT_THROW(queue->push(4), ClosedError);
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST_F(FromQueue, ACloseOfAnEmptyQueueEndsIt) {
  bool ended = false;
  source.partition(2).sink([&](const std::vector<int>&) { ended = true; });
  source.start();
  queue->push(1);
  loop.run();
  queue->close();
  loop.run();
  EXPECT_TRUE(ended);
}

TEST_F(FromQueue, ASlowStreamFillsTheQueue) {
  Gate gate;
  source.sink([&](int) -> asio::awaitable<void> { co_await gate.pass(); });
  source.start();
  int x = 0;
  EXPECT_TRUE(queue->try_push(++x));
  loop.run();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue->try_push(++x));
  loop.run();
  EXPECT_FALSE(queue->try_push(++x));
  gate.open_for_one();
  loop.run();
  EXPECT_TRUE(queue->try_push(x));
  source.stop();
  loop.run();
  while (gate.waiting() > 0) gate.open_for_one();
  loop.run();
}

TEST_F(FromQueue, WhatIsInItSurvivesAStop) {
  auto out = source.sink_to_vector();
  source.start();
  loop.run();
  source.stop();
  loop.run();
  queue->push(1);
  loop.run();
  EXPECT_THAT(out.values(), IsEmpty());
  source.start();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1));
  source.stop();
  loop.run();
}

// It lets the loop do other things after every 32nd element; a stop there took the next one with it.
TEST_F(FromQueue, AStopAtAnyElementLosesNone) {
  for (int at = 1; at <= 40; ++at) {
    const auto many = std::make_shared<Queue<int>>(50);
    const auto stopped = from_queue(many, {.loop = loop});
    std::vector<int> seen;
    stopped.sink([&](int x) {
      seen.push_back(x);
      if (x == at) stopped.stop();
    });
    std::vector<int> pushed;
    for (int x = 1; x <= 50; ++x) {
      many->push(x);
      pushed.push_back(x);
    }
    many->close();
    stopped.start();
    loop.run();
    stopped.start();
    loop.run();
    EXPECT_EQ(seen, pushed) << "stopped at " << at;
  }
}

TEST_F(FromQueue, ADrainWaitsForAllThatWasPushed) {
  auto out = source.sink_to_vector();
  source.start();
  loop.run_pending();
  queue->push(1);
  queue->push(2);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
  queue->push(3);
  queue->close();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST_F(FromQueue, KeepsTokens) {
  Tokens tokens;
  source.filter([](int x) { return x != 1; }).buffer(4).sink([](int) {});
  queue->push(1, tokens(1));
  queue->push(2, tokens(2));
  EXPECT_THAT(tokens.released(), IsEmpty());
  source.start();
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  source.stop();
  loop.run();
}

TEST_F(FromQueue, RefusesAQueueWithoutPlaces) { EXPECT_THROW(Queue<int>(0), Error); }

TEST(FromQueueOnThreads, LosesNothingOfSeveralProducers) {
  const auto queue = std::make_shared<Queue<int>>(16);
  const auto source = from_queue(queue);
  long sum = 0;
  long count = 0;
  source.sink([&](int x) {
    sum += x;
    ++count;
  });
  std::promise<void> ended;
  source.partition(1'000'000).sink([&](const std::vector<int>&) { ended.set_value(); });
  source.start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int x = 1; x <= 5'000; ++x) queue->push(x);
    });
  }
  for (auto& thread : threads) thread.join();
  queue->close();
  ASSERT_TRUE(arrives(ended.get_future()));
  EXPECT_EQ(count, 20'000);
  EXPECT_EQ(sum, 4L * 12'502'500);
}

}  // namespace
}  // namespace penstock
