// Sources whose body is a coroutine of the user.
#include <asio/steady_timer.hpp>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class FromCoroutine : public ::testing::Test {
 protected:
  // Emits 1, 2, ... forever; notes when its frame goes.
  auto counting() {
    return from_coroutine<int>(
        [this](Emitter<int> out) -> asio::awaitable<void> {
          ++starts;
          const std::shared_ptr<void> frame(nullptr, [this](void*) { ++ends; });
          for (int x = 1;; ++x) {
            co_await out.emit(x);
            co_await out.pause(10ms);
          }
        },
        {.loop = loop});
  }

  VirtualLoop loop;
  int starts = 0;
  int ends = 0;
};

TEST_F(FromCoroutine, EmitsUntilItReturnsAndThenEnds) {
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 1; x <= 3; ++x) co_await out.emit(x);
      },
      {.loop = loop});
  auto out = source.partition(2).sink_to_vector();
  source.start();
  EXPECT_THAT(out.values(), IsEmpty());
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST_F(FromCoroutine, RunsInTheTimeOfItsLoop) {
  const auto source = counting();
  auto out = source.sink_to_vector();
  source.start();
  loop.advance(25ms);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
  source.stop();
  loop.run();
}

TEST_F(FromCoroutine, StopEndsWhatItWaitsForAtOnceAndStartRunsItAnew) {
  const auto source = counting();
  auto out = source.sink_to_vector();
  source.start();
  loop.advance(15ms);
  source.stop();
  EXPECT_EQ(ends, 0);
  loop.run_pending();
  EXPECT_EQ(ends, 1);
  loop.advance(1s);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
  source.start();
  loop.run_pending();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 1));
  source.stop();
  loop.run();
  EXPECT_EQ(starts, 2);
  EXPECT_EQ(ends, 2);
}

TEST_F(FromCoroutine, ADrainAfterAStopWaitsUntilItHasEnded) {
  const auto source = counting();
  source.sink([](int) {});
  source.start();
  loop.advance(15ms);
  source.stop();
  Outcome drained;
  source.async_drain(drained.token());
  EXPECT_FALSE(drained.done());
  loop.run();
  EXPECT_TRUE(drained.done());
  source.start();
  loop.advance(15ms);
  source.stop();
  source.drain();
  EXPECT_EQ(ends, 2);
}

TEST_F(FromCoroutine, AStartRightAfterAStopCounts) {
  const auto source = counting();
  source.sink([](int) {});
  source.start();
  loop.run_pending();
  source.stop();
  LoopRef(loop).get()->post([&] { source.start(); });
  loop.run_pending();
  EXPECT_EQ(starts, 2);
  EXPECT_EQ(ends, 1);
  source.stop();
  loop.run();
}

TEST_F(FromCoroutine, WaitsForASlowStream) {
  Gate gate;
  const auto source = counting();
  std::vector<int> seen;
  source.sink([&](int x) -> asio::awaitable<void> {
    seen.push_back(x);
    co_await gate.pass();
  });
  source.start();
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre(1));
  gate.open_for_one();
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre(1, 2));
  source.stop();
  loop.run();
  EXPECT_EQ(ends, 1) << "a stop waits for no sink";
  gate.open_for_one();
  loop.run();
}

TEST_F(FromCoroutine, ADrainWaitsForWhatWasEmittedOnly) {
  Gate gate;
  const auto source = counting();
  source.sink([&](int) -> asio::awaitable<void> { co_await gate.pass(); });
  source.start();
  loop.advance(1s);
  Outcome drained;
  source.async_drain(drained.token());
  loop.run_pending();
  EXPECT_FALSE(drained.done());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_TRUE(drained.done());
  source.stop();
  loop.run();
}

TEST_F(FromCoroutine, ADrainWaitsForTheEndOfAFiniteOne) {
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        co_await out.pause(1s);
        co_await out.emit(1);
      },
      {.loop = loop, .finite = true});
  auto out = source.sink_to_vector();
  source.start();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST_F(FromCoroutine, WhatItThrowsGoesToDrainAndItStandsStill) {
  const auto source = from_coroutine<int>(
      [this](Emitter<int>) -> asio::awaitable<void> {
        ++starts;
        throw std::runtime_error("no such device");
        co_return;
      },
      {.loop = loop});
  auto out = source.partition(2).sink_to_vector();
  source.start();
  loop.run();
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.start();
  loop.run();
  EXPECT_EQ(starts, 2);
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(FromCoroutine, WhatFailsDownstreamIsNotItsError) {
  const auto source = counting();
  source.sink([](int x) {
    if (x == 1) throw std::runtime_error("bad element");
  });
  source.start();
  loop.advance(15ms);
  EXPECT_EQ(ends, 0);
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.stop();
  loop.run();
}

TEST_F(FromCoroutine, CloseStopsIt) {
  const auto source = counting();
  auto out = source.partition(3).sink_to_vector();
  source.start();
  loop.advance(15ms);
  source.close();
  loop.run();
  EXPECT_EQ(ends, 1);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(FromCoroutine, CloseEndsWhatItWaitsForAtOnce) {
  const auto source = from_coroutine<int>(
      [this](Emitter<int> out) -> asio::awaitable<void> {
        const std::shared_ptr<void> frame(nullptr, [this](void*) { ++ends; });
        co_await out.pause(1h);
      },
      {.loop = loop});
  source.start();
  loop.run_pending();
  Outcome closed;
  source.async_close(closed.token());
  loop.run_pending();
  EXPECT_TRUE(closed.done());
  EXPECT_EQ(ends, 1);
}

TEST_F(FromCoroutine, AStopTakesEffectBeforeTheNextElement) {
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 1;; ++x) co_await out.emit(x);
      },
      {.loop = loop});
  std::vector<int> seen;
  source.sink([&](int x) {
    seen.push_back(x);
    if (x == 3) source.stop();
  });
  source.start();
  loop.run();
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  source.drain();
}

TEST_F(FromCoroutine, AStopAndStartInOneBreathWaitsForTheElementThatIsOnItsWay) {
  const auto source = counting();
  Gate gate;
  std::vector<int> seen;
  source.sink([&](int x) -> asio::awaitable<void> {
    seen.push_back(x);
    co_await gate.pass();
  });
  source.start();
  loop.run_pending();
  source.stop();
  source.start();
  loop.advance(1s);
  source.stop();
  loop.run_pending();
  source.start();
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre(1));
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre(1, 1));
  source.stop();
  gate.open_for_one();
  loop.run();
  EXPECT_EQ(ends, starts);
}

TEST_F(FromCoroutine, GoesWithItsLoopWhenNobodyStopsIt) {
  const std::shared_ptr<void> watched = std::make_shared<int>();
  {
    VirtualLoop other;
    const auto source = from_coroutine<int>(
        [watched](Emitter<int> out) -> asio::awaitable<void> {
          const auto frame = watched;
          co_await out.pause(1h);
        },
        {.loop = other});
    source.start();
    other.run_pending();
  }
  EXPECT_EQ(watched.use_count(), 1);
}

TEST_F(FromCoroutine, AStartedOneKeepsItsGraphAndItselfUntilTheStop) {
  std::vector<int> seen;
  std::optional<Source<int>> source = counting();
  const auto sink = source->sink([&](int x) { seen.push_back(x); });
  source->start();
  loop.run_pending();
  source.reset();
  loop.advance(15ms);
  EXPECT_THAT(seen, ElementsAre(1, 2));
  sink.stop();
  loop.run();
  EXPECT_EQ(ends, 1);
}

TEST_F(FromCoroutine, DestroyStopsIt) {
  const auto source = counting();
  source.sink([](int) {});
  source.start();
  loop.advance(15ms);
  source.destroy();
  loop.run();
  EXPECT_EQ(ends, 1);
}

TEST_F(FromCoroutine, TokensTravelWithItsElements) {
  Tokens tokens;
  Gate gate;
  const auto source = from_coroutine<int>(
      [&](Emitter<int> out) -> asio::awaitable<void> {
        co_await out.emit(1, tokens(1));
        co_await out.emit(2, tokens(2));
      },
      {.loop = loop});
  source.sink([&](int) -> asio::awaitable<void> { co_await gate.pass(); });
  source.start();
  loop.run();
  EXPECT_THAT(tokens.released(), IsEmpty());
  gate.open_for_one();
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  gate.open_for_one();
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
}

TEST_F(FromCoroutine, OneThatNeverWaitsLetsTheLoopDoOtherThings) {
  bool other = false;
  const auto source = from_coroutine<int>(
      [&](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 0; !other; ++x) co_await out.emit(x);
      },
      {.loop = loop});
  source.sink([](int) {});
  source.start();
  LoopRef(loop).get()->post([&] { other = true; });
  loop.run();
  EXPECT_TRUE(other);
}

TEST(FromCoroutineOnAThread, RunsOnTheDefaultLoop) {
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 0; x < 100'000; ++x) co_await out.emit(x);
      },
      {.finite = true});
  long sum = 0;
  source.sink([&](int x) { sum += x; });
  source.start();
  source.drain();
  EXPECT_EQ(sum, 4'999'950'000);
}

TEST_F(FromCoroutine, WhatItThrowsMayGoToADeadLetter) {
  Gate gate;
  Stream<Failure> errors(loop);
  std::vector<std::string> failed;
  errors.sink([&](const Failure& failure) -> asio::awaitable<void> {
    co_await gate.pass();
    failed.push_back(failure.node + ": " + failure.text());
  });
  auto source = from_coroutine<int>(
      [](Emitter<int>) -> asio::awaitable<void> {
        throw std::runtime_error("lost");
        co_return;
      },
      {.loop = loop});
  source.on_error(ErrorPolicy::dead_letter(errors));
  source.sink([](int) {});
  source.start();
  loop.run_pending();
  Outcome drained;
  source.async_drain(drained.token());
  loop.run_pending();
  EXPECT_FALSE(drained.done());
  gate.open_for_one();
  loop.run();
  EXPECT_TRUE(drained.done());
  EXPECT_THAT(failed, ElementsAre("from_coroutine: lost"));
}

TEST_F(FromCoroutine, WhatItThrowsMayBeSkipped) {
  auto source = from_coroutine<int>(
      [](Emitter<int>) -> asio::awaitable<void> {
        throw std::runtime_error("lost");
        co_return;
      },
      {.loop = loop});
  source.on_error(ErrorPolicy::skip());
  source.sink([](int) {});
  source.start();
  loop.run();
  source.drain();
}

TEST_F(FromCoroutine, HasNothingToTryAgain) {
  auto source = counting();
  EXPECT_THAT([&] { source.on_error(ErrorPolicy::retry(3)); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("is a source and has no element to try again")));
}

TEST_F(FromCoroutine, WhatItThrowsInsteadOfTheStopGoesToDrain) {
  const auto source = from_coroutine<int>(
      [](Emitter<int> out) -> asio::awaitable<void> {
        try {
          co_await out.pause(1h);
        } catch (const std::system_error&) {
          throw std::runtime_error("cannot clean up");
        }
      },
      {.loop = loop});
  source.sink([](int) {});
  source.start();
  loop.run_pending();
  source.stop();
  Outcome drained;
  source.async_drain(drained.token());
  loop.run();
  EXPECT_EQ(drained.error(), "cannot clean up");
}

// Its body waits for what a node behind it has begun: neither may keep the other.
TEST(FromCoroutineDestroyed, GoesAwayWithItsLoopWhileAFunctionRuns) {
  const auto endless = [](Emitter<int> out) -> asio::awaitable<void> {
    for (int x = 0;; ++x) co_await out.emit(x);
  };
  for (const bool async : {false, true}) {
    const auto alive = std::make_shared<int>(0);
    {
      asio::io_context io;
      const auto sleep = [alive, &io](int x) -> asio::awaitable<int> {
        asio::steady_timer timer(io, 1h);
        co_await timer.async_wait(asio::use_awaitable);
        co_return x;
      };
      const auto source = from_coroutine<int>(endless, {.loop = io});
      async ? source.map_async(sleep, 2).sink([](int) {}) : source.map(sleep).sink([](int) {});
      source.start();
      io.run_for(10ms);
      EXPECT_GT(alive.use_count(), 1);
    }
    EXPECT_EQ(alive.use_count(), 1) << async;
  }
}

}  // namespace
}  // namespace penstock
