#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Latest : public ::testing::Test {
 protected:
  auto through_gate() {
    return [this](int x) -> asio::awaitable<void> {
      co_await gate.pass();
      seen.push_back(x);
    };
  }
  void open() {
    gate.open_for_one();
    loop.run_pending();
  }
  // Emits and lets it arrive.
  void emit(int x, Token token = {}) {
    source.emit(x, std::move(token));
    loop.run_pending();
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  Gate gate;
  std::vector<int> seen;
};

TEST_F(Latest, PassesEverythingWhileNothingIsBusy) {
  auto out = source.latest().sink_to_vector();
  for (int x = 0; x < 4; ++x) emit(x);
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2, 3));
}

TEST_F(Latest, KeepsOnlyTheNewestWhileDownstreamIsBusy) {
  source.latest().sink(through_gate());
  for (int x = 0; x < 5; ++x) emit(x);
  open();
  EXPECT_EQ(gate.waiting(), 1u);
  emit(5);
  emit(6);
  open();
  open();
  EXPECT_THAT(seen, ElementsAre(0, 4, 6));
  EXPECT_EQ(gate.waiting(), 0u);
}

TEST_F(Latest, NeverMakesTheEmitWait) {
  source.latest().rate_limit(1h).sink([](int) {});
  for (int x = 0; x < 100; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(Latest, TheNewestAtALimitedRateComesOut) {
  std::vector<std::pair<Duration, int>> out;
  source.latest().rate_limit(1s).sink([&](int x) { out.emplace_back(loop.elapsed(), x); });
  for (int x = 0; x < 25; ++x) {
    emit(x);
    loop.advance(100ms);
  }
  source.drain();
  EXPECT_THAT(out, ElementsAre(std::pair(Duration(0s), 0), std::pair(Duration(1s), 1),
                               std::pair(Duration(2s), 9), std::pair(Duration(3s), 19),
                               std::pair(Duration(4s), 24)));
}

TEST_F(Latest, TheLastElementComesOutBeforeTheEnd) {
  auto out = source.latest().rate_limit(1s).partition(10).sink_to_vector();
  for (int x = 0; x < 5; ++x) emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 4)));
}

TEST_F(Latest, TheEndOfAnIdleOneIsImmediate) {
  auto out = source.latest().partition(10).sink_to_vector();
  source.close();
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Latest, DrainWaitsForTheLastElement) {
  auto out = source.latest().rate_limit(1s).sink_to_vector();
  for (int x = 0; x < 5; ++x) emit(x);
  source.drain();
  EXPECT_EQ(out.values().back(), 4);
}

TEST_F(Latest, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  source.latest().sink(through_gate());
  for (int x = 0; x < 4; ++x) emit(x, tokens(x));
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  open();
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2, 0));
  open();
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2, 0, 3));
}

TEST_F(Latest, ADroppedTokenMayEmitAgain) {
  source.latest().sink(through_gate());
  emit(0);
  Outcome again;
  emit(1, Token([&] { source.async_emit(9, again.token()); }));
  emit(2);
  open();
  open();
  EXPECT_THAT(seen, ElementsAre(0, 9));
}

TEST_F(Latest, ReportsErrorsBehindItToTheNextDrainAndGoesOn) {
  source.latest().sink([this](int x) {
    if (x == 1) throw std::runtime_error("one");
    seen.push_back(x);
  });
  for (int x = 0; x < 3; ++x) EXPECT_NO_THROW(emit(x));
  EXPECT_THROW(source.drain(), std::runtime_error);
  EXPECT_THAT(seen, ElementsAre(0, 2));
}

TEST_F(Latest, GoesOnWhenAnElementCannotBeCopied) {
  Stream<ThrowsOnCopy> values(loop);
  std::vector<int> out;
  values.latest().sink([&out](const ThrowsOnCopy& x) { out.push_back(x.value); });
  Outcome outcome;
  values.async_emit(ThrowsOnCopy(1), outcome.token());
  asio::post(loop.executor(), [] { ThrowsOnCopy::copies_left = 1; });  // before it is delivered
  loop.run_pending();
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  EXPECT_THROW(values.drain(), std::runtime_error);
  values.emit(ThrowsOnCopy(2));
  values.drain();
  EXPECT_THAT(out, ElementsAre(2));
}

TEST_F(Latest, PassesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> pointers(loop);
  pointers.latest().sink([this](const std::unique_ptr<int>& p) { seen.push_back(*p); });
  pointers.emit(std::make_unique<int>(1));
  pointers.drain();
  EXPECT_THAT(seen, ElementsAre(1));
}

TEST_F(Latest, InACycleGoesOn) {
  auto latest = source.latest();
  auto out = latest.sink_to_vector();
  latest.filter([](int x) { return x > 0; })
      .map([this](int x) -> asio::awaitable<int> {
        co_await pass_time(loop, 1s);
        co_return x - 1;
      })
      .connect(source);
  source.emit(3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(3, 2, 1, 0));
}

TEST_F(Latest, ReleasesWhatItHasWhenItsGraphGoes) {
  Tokens tokens;
  {
    Stream<int> gone(loop);
    gone.latest().delay(1h).sink([](int) {});
    for (int x = 0; x < 3; ++x) gone.emit(x, tokens(x));
  }
  EXPECT_EQ(tokens.released().size(), 3u);
}

TEST(LatestOnAThread, DeliversTheLast) {
  LoopThread thread;
  Stream<int> source;
  int last = 0;
  source.latest({.loop = thread}).sink([&last](int x) { last = x; });
  for (int x = 1; x <= 1000; ++x) source.emit(x);
  source.drain();
  EXPECT_EQ(last, 1000);
}

}  // namespace
}  // namespace penstock
