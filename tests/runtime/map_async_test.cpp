#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class MapAsync : public ::testing::Test {
 protected:
  // Takes as many seconds as the element says, and notes when it began.
  auto seconds() {
    return [this](int x) -> asio::awaitable<int> {
      begun.push_back(x);
      most = std::max(most, ++running);
      co_await pass_time(loop, std::chrono::seconds(x));
      --running;
      co_return x * 10;
    };
  }
  auto note() {
    return [this](int x) {
      out.push_back(x);
      times.push_back(loop.elapsed());
    };
  }
  void emit_all(const std::vector<int>& elements) {
    for (int x : elements) source.async_emit(x, emits.emplace_back().token());
    loop.run_pending();
  }
  auto emitted() const {
    return std::count_if(emits.begin(), emits.end(), [](const Outcome& o) { return o.done(); });
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::deque<Outcome> emits;
  std::vector<int> begun;
  int running = 0;
  int most = 0;
  std::vector<int> out;
  std::vector<Duration> times;
};

TEST_F(MapAsync, RunsAtMostSoManyAtATime) {
  source.map_async(seconds(), 3).sink(note());
  emit_all({1, 1, 1, 1, 1, 1, 1});
  loop.run();
  EXPECT_EQ(most, 3);
  EXPECT_EQ(out.size(), 7u);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST_F(MapAsync, KeepsTheOrderOfTheElements) {
  source.map_async(seconds(), 4).sink(note());
  emit_all({4, 3, 1, 2});
  loop.run();
  EXPECT_THAT(out, ElementsAre(40, 30, 10, 20));
  EXPECT_EQ(loop.elapsed(), 4s);
}

TEST_F(MapAsync, RunsOneAtATimeUnlessToldOtherwise) {
  source.map_async(seconds()).sink(note());
  emit_all({1, 1, 1});
  loop.run();
  EXPECT_EQ(most, 1);
  EXPECT_THAT(times, ElementsAre(1s, 2s, 3s));
}

TEST_F(MapAsync, OfNoParallelismIsRefused) {
  EXPECT_THROW(source.map_async(seconds(), 0), Error);
}

TEST_F(MapAsync, TakesExtraArguments) {
  auto results = source
                     .map_async([](int x, int y, const std::string& z)
                                    -> asio::awaitable<std::string> { co_return std::to_string(x + y) + z; },
                                2, 10, "!")
                     .sink_to_vector();
  source.emit(1);
  source.drain();
  EXPECT_THAT(results.values(), ElementsAre("11!"));
}

TEST_F(MapAsync, LetsTheEmitGoWhenItsFunctionHasStarted) {
  source.map_async(seconds(), 2).sink(note());
  source.emit(5);
  source.emit(5);
  EXPECT_THAT(begun, ElementsAre(5, 5));
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(1);
  EXPECT_THAT(begun, ElementsAre(5, 5, 1));
  EXPECT_EQ(loop.elapsed(), 5s);
  source.drain();
  EXPECT_THAT(out, ElementsAre(50, 50, 10));
}

TEST_F(MapAsync, KeepsAPlaceUntilTheResultHasLeft) {
  Gate gate;
  source.map_async(seconds(), 2).sink([&](int x) -> asio::awaitable<void> {
    co_await gate.pass();
    out.push_back(x);
  });
  emit_all({0, 0, 0, 0});
  loop.advance(1s);
  EXPECT_EQ(emitted(), 2);
  EXPECT_EQ(begun.size(), 2u);
  gate.open_for_one();
  loop.advance(1s);
  EXPECT_EQ(emitted(), 3);
  EXPECT_EQ(begun.size(), 3u);
  while (gate.waiting() > 0) {
    gate.open_for_one();
    loop.advance(1s);
  }
  EXPECT_EQ(out.size(), 4u);
}

TEST_F(MapAsync, HoldsUpThoseBehindASlowOne) {
  source.map_async(seconds(), 2).sink(note());
  emit_all({9, 1, 1, 1});
  loop.advance(8s);
  EXPECT_THAT(begun, ElementsAre(9, 1));
  loop.run();
  EXPECT_THAT(out, ElementsAre(90, 10, 10, 10));
}

TEST_F(MapAsync, TheEndComesAfterAllResults) {
  auto batches = source.map_async(seconds(), 2).partition(10).sink_to_vector();
  emit_all({2, 1, 3});
  source.close();
  EXPECT_THAT(batches.values(), ElementsAre(ElementsAre(20, 10, 30)));
  EXPECT_EQ(loop.elapsed(), 5s);
}

TEST_F(MapAsync, TheEndOfAnIdleOneIsImmediate) {
  source.map_async(seconds(), 2).sink(note());
  source.close();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(MapAsync, DrainWaitsForTheResultsAndTheSinkBehindThem) {
  source.map_async(seconds(), 2).rate_limit(10s).sink(note());
  emit_all({1, 1});
  source.drain();
  EXPECT_THAT(times, ElementsAre(1s, 11s));
}

TEST_F(MapAsync, HoldsTheTokenUntilTheResultHasLeft) {
  Tokens tokens;
  Gate gate;
  source.map_async(seconds(), 2).sink([&gate](int) -> asio::awaitable<void> {
    co_await gate.pass();
  });
  source.emit(1, tokens(1));
  loop.advance(5s);
  EXPECT_THAT(tokens.released(), IsEmpty());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST_F(MapAsync, ATokenMayEmitAgain) {
  source.map_async(seconds(), 1).sink(note());
  source.emit(1, Token([&] { source.async_emit(2, emits.emplace_back().token()); }));
  loop.run();
  EXPECT_THAT(out, ElementsAre(10, 20));
}

class FailingMapAsync : public MapAsync {
 protected:
  // Fails for odd elements after their time.
  auto only_even() {
    return [this](int x) -> asio::awaitable<int> {
      ++calls;
      co_await pass_time(loop, std::chrono::seconds(x));
      if (x % 2 == 1) throw std::runtime_error("odd: " + std::to_string(x));
      co_return x;
    };
  }
  int calls = 0;
};

TEST_F(FailingMapAsync, ReportsErrorsToTheNextDrain) {
  source.map_async(only_even(), 3).sink(note());
  emit_all({4, 3, 2});
  EXPECT_EQ(emitted(), 3);
  EXPECT_THROW(source.drain(), std::runtime_error);
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(out, ElementsAre(4, 2));
  for (const Outcome& emit : emits) EXPECT_EQ(emit.error(), "");
}

TEST_F(FailingMapAsync, ReportsWhatThrowsBeforeItAwaits) {
  source
      .map_async([](int x) -> asio::awaitable<int> {
        if (x == 1) throw std::runtime_error("at once");
        return [](int y) -> asio::awaitable<int> { co_return y; }(x);
      })
      .sink(note());
  source.emit(1);
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.emit(2);
  source.drain();
  EXPECT_THAT(out, ElementsAre(2));
}

TEST_F(FailingMapAsync, SkipsWhatFails) {
  source.map_async(only_even(), 3).on_error(ErrorPolicy::skip()).sink(note());
  emit_all({3, 2, 1, 4});
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(out, ElementsAre(2, 4));
}

TEST_F(FailingMapAsync, TellsTheDeadLetterWhichElementFailed) {
  Stream<Failure> errors;
  std::vector<std::string> dead;
  errors.sink([&dead](const Failure& failure) {
    dead.push_back(failure.node + " " + std::to_string(std::any_cast<int>(failure.element)) + " " +
                   failure.text());
  });
  source.map_async(only_even(), 3).on_error(ErrorPolicy::dead_letter(errors)).sink(note());
  emit_all({3, 2, 1});
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(dead, ElementsAre("map_async 3 odd: 3", "map_async 1 odd: 1"));
}

TEST_F(FailingMapAsync, TriesAgainInItsPlaceAndKeepsTheOrder) {
  int failures = 2;
  source
      .map_async(
          [&](int x) -> asio::awaitable<int> {
            co_await pass_time(loop, 1s);
            if (x == 1 && failures-- > 0) throw std::runtime_error("try again");
            co_return x;
          },
          2)
      .on_error(ErrorPolicy::retry(2, 10s))
      .sink(note());
  emit_all({1, 2, 3});
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(out, ElementsAre(1, 2, 3));
  EXPECT_THAT(times, ElementsAre(33s, 33s, 34s));  // three calls and pauses of 10 and 20 seconds
}

TEST_F(FailingMapAsync, AppliesTheNextPolicyAfterTheLastAttempt) {
  source.map_async(only_even(), 2).on_error(ErrorPolicy::retry(2, {}, ErrorPolicy::skip())).sink(note());
  emit_all({1, 2});
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(out, ElementsAre(2));
  EXPECT_EQ(calls, 4);
}

TEST_F(FailingMapAsync, ErrorsBehindItGoToTheNextDrain) {
  source.map_async(seconds(), 2).sink([](int) { throw std::runtime_error("sink"); });
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(MapAsync, InACycleWithAllPlacesTakenGoesOn) {
  auto passed = source.sink_to_vector();
  source
      .map_async(
          [this](int x) -> asio::awaitable<int> {
            co_await pass_time(loop, 1s);
            co_return x - 1;
          },
          2)
      .filter([](int x) { return x >= 0; })
      .connect(source);
  emit_all({3, 3, 3, 3});
  loop.run();
  EXPECT_EQ(emitted(), 4);
  EXPECT_EQ(passed.values().size(), 16u);
}

TEST_F(MapAsync, PassesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> pointers(loop);
  std::vector<int> seen;
  pointers
      .map_async([](std::unique_ptr<int> p) -> asio::awaitable<std::unique_ptr<int>> {
        ++*p;
        co_return p;
      })
      .sink([&seen](const std::unique_ptr<int>& p) { seen.push_back(*p); });
  pointers.emit(std::make_unique<int>(1));
  pointers.drain();
  EXPECT_THAT(seen, ElementsAre(2));
}

TEST_F(MapAsync, KeepsTheElementWhileTheFunctionReadsIt) {
  Stream<std::string> words(loop);
  auto doubled = words
                     .map_async(
                         [this](const std::string& word) -> asio::awaitable<std::string> {
                           co_await pass_time(loop, 1s);
                           co_return word + word;
                         },
                         2)
                     .sink_to_vector();
  for (int i = 0; i < 3; ++i) words.emit("a word that does not fit into the string itself ");
  words.drain();
  EXPECT_EQ(doubled.values().at(2).size(), 96u);
}

TEST_F(MapAsync, OutlivesItsHandlesWhileAFunctionRuns) {
  const auto alive = std::make_shared<int>(0);
  {
    Stream<int> held(loop);
    held.map_async(
            [this](int x) -> asio::awaitable<int> {
              co_await pass_time(loop, 1s);
              co_return x;
            },
            2)
        .sink([this, alive](int x) { out.push_back(x); });
    held.emit(7);
  }
  EXPECT_EQ(alive.use_count(), 2);
  loop.run();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(MapAsync, GoesAwayWithItsLoopWhileAFunctionRuns) {
  const auto alive = std::make_shared<int>(0);
  {
    VirtualLoop gone;
    Stream<int> held(gone);
    held.map_async([&gone](int x) -> asio::awaitable<int> {
          co_await pass_time(gone, 1s);
          co_return x;
        })
        .sink([alive](int) {});
    held.emit(7);
  }
  EXPECT_LE(alive.use_count(), 2);
}

TEST(MapAsyncDestroyed, LetsGoOfWhatWaitsWhileFunctionsRun) {
  VirtualLoop loop;
  Stream<int> source(loop);
  const auto alive = std::make_shared<int>(0);
  int results = 0;
  auto mapped = source.map_async(
      [alive, loop](int x) -> asio::awaitable<int> {
        co_await pass_time(loop, 1s);
        co_return x;
      },
      2);
  mapped.sink([&results](int) { ++results; });
  std::vector<Outcome> emits(3);
  std::vector<int> released;
  for (int x = 0; x < 3; ++x) {
    source.async_emit(x, Token([&released, x] { released.push_back(x); }), emits[x].token());
  }
  loop.run_pending();
  EXPECT_FALSE(emits[2].done());
  mapped.destroy();
  loop.run_pending();
  EXPECT_TRUE(emits[2].done());
  EXPECT_EQ(released.size(), 3u);
  loop.run();
  EXPECT_EQ(results, 0);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(MapAsyncOnAThread, KeepsTheOrder) {
  LoopThread thread;
  Stream<int> source(thread);
  auto out = source.map_async([](int x) -> asio::awaitable<int> { co_return x; }, 8).sink_to_vector();
  for (int x = 0; x < 1000; ++x) source.emit(x);
  source.drain();
  const auto values = out.values();
  ASSERT_EQ(values.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

TEST(MapAsyncOnAThread, WithoutALoopUsesTheDefaultOne) {
  Stream<int> free;
  auto out = free.map_async([](int x) -> asio::awaitable<int> { co_return x + 1; }).sink_to_vector();
  free.emit(1);
  free.drain();
  EXPECT_THAT(out.values(), ElementsAre(2));
}

}  // namespace
}  // namespace penstock
