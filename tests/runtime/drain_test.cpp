// drain() and close(), blocking and asynchronous.
#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Drain : public ::testing::Test {
 protected:
  VirtualLoop loop;
  Stream<int> source{loop};
};

TEST_F(Drain, OfAnIdleGraphReturnsAtOnce) {
  EXPECT_NO_THROW(source.drain());
  Outcome outcome;
  source.async_drain(outcome.token());
  loop.run_pending();
  EXPECT_TRUE(outcome.done());
}

TEST_F(Drain, WaitsForEveryDecouplingNode) {
  auto out = source.buffer(5).delay(2s).rate_limit(1s).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.drain();
  EXPECT_EQ(loop.elapsed(), 4s);
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2));
}

TEST_F(Drain, WaitsForEmitsInProgress) {
  auto out = source.rate_limit(1s).sink_to_vector();
  std::vector<Outcome> outcomes(3);
  for (auto& outcome : outcomes) source.async_emit(1, outcome.token());
  source.drain();
  EXPECT_EQ(out.values().size(), 3u);
}

TEST_F(Drain, MayBeCalledOnAnyHandleOfTheGraph) {
  auto middle = source.delay(1s);
  Stream<int> joined;
  middle.connect(joined);
  const auto sink = joined.sink([](int) {});
  source.emit(1);
  sink.drain();
  EXPECT_EQ(loop.elapsed(), 1s);
}

TEST_F(Drain, ThrowsTheFirstErrorSinceTheLastOneOnce) {
  source.buffer(5).sink([](int x) {
    if (x > 0) throw std::runtime_error(std::to_string(x));
  });
  for (int x = 0; x < 3; ++x) source.emit(x);
  try {
    source.drain();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "1");
  }
  EXPECT_NO_THROW(source.drain());
}

TEST_F(Drain, SeveralWaitersAreToldTogether) {
  source.delay(1s).sink([](int) {});
  source.emit(1);
  std::vector<Outcome> outcomes(3);
  for (auto& outcome : outcomes) source.async_drain(outcome.token());
  loop.run_pending();
  EXPECT_FALSE(outcomes[0].done());
  loop.advance(1s);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
}

TEST_F(Drain, IsAwaited) {
  source.buffer(5).sink([](int x) {
    if (x == 2) throw std::runtime_error("two");
  });
  std::string caught;
  const auto run = [](Stream<int> stream, std::string* text) -> asio::awaitable<void> {
    co_await stream.async_emit(1);
    co_await stream.async_drain();
    co_await stream.async_emit(2);
    try {
      co_await stream.async_drain();
    } catch (const std::exception& error) {
      *text = error.what();
    }
  };
  asio::co_spawn(loop.executor(), run(source, &caught), asio::detached);
  loop.run();
  EXPECT_EQ(caught, "two");
}

TEST_F(Drain, GivesAFuture) {
  LoopThread thread;
  Stream<int> threaded(thread);
  int seen = 0;
  threaded.delay(1ms).sink([&seen](int) { ++seen; });
  threaded.emit(1);
  auto drained = threaded.async_drain(asio::use_future);
  ASSERT_TRUE(arrives(drained));
  EXPECT_NO_THROW(drained.get());
  EXPECT_EQ(seen, 1);
}

TEST_F(Drain, OfAGraphWithoutLoopReturnsAtOnce) {
  Stream<int> free;
  free.sink([](int) {});
  free.emit(1);
  EXPECT_NO_THROW(free.drain());
  auto drained = free.async_drain(asio::use_future);
  ASSERT_TRUE(arrives(drained));
}

TEST_F(Drain, OfAGraphThatDiesIsTold) {
  Outcome outcome;
  {
    Stream<int> dying(loop);
    dying.delay(1h).sink([](int) {});
    dying.emit(1);
    dying.async_drain(outcome.token());
  }
  loop.run_pending();
  EXPECT_TRUE(outcome.done());
}

TEST_F(Drain, WithAnAsioLoopWaitsForRealTimers) {
  LoopThread thread;
  Stream<int> threaded;
  auto out = threaded.delay(2ms, {.loop = thread}).partition(2, {.timeout = 2ms}).sink_to_vector();
  for (int x = 0; x < 3; ++x) threaded.emit(x);
  threaded.drain();
  std::vector<int> all;
  for (const auto& batch : out.values()) all.insert(all.end(), batch.begin(), batch.end());
  EXPECT_THAT(all, ElementsAre(0, 1, 2));
}

class Close : public Drain {};

TEST_F(Close, FlushesEveryPartialNodeInOrder) {
  auto out = source.partition(2).flatten().timed_window(1h).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(Close, WaitsForAllQueuesBeforeIt) {
  auto out = source.delay(3s).buffer(2).rate_limit(1s).partition(10).sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.close();
  EXPECT_EQ(loop.elapsed(), 6s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2, 3)));
}

TEST_F(Close, ThrowsWhatTheFlushRaised) {
  source.partition(5).sink([](const std::vector<int>&) { throw std::runtime_error("flush"); });
  source.emit(1);
  EXPECT_THROW(source.close(), std::runtime_error);
  EXPECT_NO_THROW(source.close());
}

TEST_F(Close, IsAwaited) {
  auto out = source.partition(5).sink_to_vector();
  bool refused = false;
  const auto run = [](Stream<int> stream, bool* answer) -> asio::awaitable<void> {
    co_await stream.async_emit(1);
    co_await stream.async_close();
    co_await stream.async_close();
    try {
      co_await stream.async_emit(2);
    } catch (const ClosedError&) {
      *answer = true;
    }
  };
  asio::co_spawn(loop.executor(), run(source, &refused), asio::detached);
  loop.run();
  EXPECT_TRUE(refused);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST_F(Close, GivesAFuture) {
  LoopThread thread;
  Stream<int> threaded(thread);
  auto out = threaded.partition(5).sink_to_vector();
  threaded.emit(1);
  auto closed = threaded.async_close(asio::use_future);
  ASSERT_TRUE(arrives(closed));
  EXPECT_NO_THROW(closed.get());
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST_F(Close, OfOneSourceLeavesTheOthersOpen) {
  Stream<int> other;
  Stream<int> both(loop);
  source.connect(both);
  other.connect(both);
  auto out = both.partition(2).sink_to_vector();
  source.close();
  other.emit(1);
  other.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

}  // namespace
}  // namespace penstock
