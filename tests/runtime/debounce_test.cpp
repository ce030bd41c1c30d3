#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Debounce : public ::testing::Test {
 protected:
  auto note() {
    return [this](int x) { out.emplace_back(loop.elapsed(), x); };
  }
  // Emits each so long after the one before.
  void emit_every(Duration time, const std::vector<int>& elements) {
    for (int x : elements) {
      source.emit(x);
      loop.advance(time);
    }
  }
  static std::pair<Duration, int> at(Duration time, int x) { return {time, x}; }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::vector<std::pair<Duration, int>> out;
};

TEST_F(Debounce, PassesAnElementThatNoOtherFollows) {
  source.debounce(1s).sink(note());
  emit_every(400ms, {1, 2, 3});
  loop.advance(5s);
  source.emit(4);
  loop.advance(5s);
  EXPECT_THAT(out, ElementsAre(at(1800ms, 3), at(7200ms, 4)));
}

TEST_F(Debounce, PassesEverythingThatComesSlowly) {
  source.debounce(1s).sink(note());
  emit_every(1s, {1, 2, 3});
  EXPECT_THAT(out, ElementsAre(at(1s, 1), at(2s, 2), at(3s, 3)));
}

TEST_F(Debounce, OfNothingPassesTheLastOfABurst) {
  auto values = source.debounce(0s).sink_to_vector();
  std::vector<Outcome> emits(3);
  for (int x = 0; x < 3; ++x) source.async_emit(x, emits[static_cast<std::size_t>(x)].token());
  loop.run();
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_EQ(values.values().back(), 2);
}

TEST_F(Debounce, RefusesANegativeInterval) { EXPECT_THROW(source.debounce(-1s), Error); }

TEST_F(Debounce, NeverMakesTheEmitWait) {
  source.debounce(1s).rate_limit(1h).sink([](int) {});
  for (int x = 0; x < 100; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(Debounce, TheEndEmitsTheLastOneAtOnceAndStopsTheClock) {
  auto batches = source.debounce(1s).partition(5).sink_to_vector();
  emit_every(400ms, {1, 2});
  source.close();
  EXPECT_THAT(batches.values(), ElementsAre(ElementsAre(2)));
  loop.run();
  EXPECT_EQ(loop.elapsed(), 800ms);
}

TEST_F(Debounce, TheEndOfAnIdleOneEmitsNothing) {
  source.debounce(1s).sink(note());
  source.emit(1);
  loop.advance(2s);
  source.close();
  EXPECT_THAT(out, ElementsAre(at(1s, 1)));
}

TEST_F(Debounce, TheEndWaitsForWhatIsBeingDelivered) {
  source.debounce(1s).rate_limit(10s).sink(note());
  source.emit(1);
  loop.advance(1s);
  source.emit(2);
  loop.advance(1s);
  source.emit(3);  // 2 waits for the rate
  source.close();
  EXPECT_THAT(out, ElementsAre(at(1s, 1), at(11s, 2), at(21s, 3)));
}

TEST_F(Debounce, KeepsTheNewestWhileDownstreamIsBusy) {
  Gate gate;
  std::vector<int> seen;
  source.debounce(1s).sink([&](int x) -> asio::awaitable<void> {
    co_await gate.pass();
    seen.push_back(x);
  });
  emit_every(2s, {1, 2, 3});
  EXPECT_EQ(gate.waiting(), 1u);
  gate.open_for_one();
  loop.run_pending();
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre(1, 3));
}

TEST_F(Debounce, DrainWaitsForTheLastElement) {
  source.debounce(1s).sink(note());
  source.emit(1);
  source.drain();
  EXPECT_THAT(out, ElementsAre(at(1s, 1)));
}

TEST_F(Debounce, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  source.debounce(1s).sink(note());
  for (int x = 0; x < 3; ++x) source.emit(x, tokens(x));
  EXPECT_THAT(tokens.released(), ElementsAre(0, 1));
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ElementsAre(0, 1, 2));
}

TEST_F(Debounce, ADroppedTokenMayEmitAgain) {
  source.debounce(1s).sink(note());
  Outcome again;
  source.emit(1, Token([&] { source.async_emit(9, again.token()); }));
  source.emit(2);
  loop.advance(2s);
  EXPECT_THAT(out, ElementsAre(at(1s, 9)));
}

TEST_F(Debounce, ReportsErrorsBehindItToTheNextDrain) {
  source.debounce(1s).sink([](int) { throw std::runtime_error("sink"); });
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(Debounce, InACycleGoesOn) {
  auto settled = source.debounce(1s);
  settled.sink(note());
  settled.filter([](int x) { return x > 0; }).map([](int x) { return x - 1; }).connect(source);
  source.emit(2);
  source.drain();
  EXPECT_THAT(out, ElementsAre(at(1s, 2), at(2s, 1), at(3s, 0)));
}

TEST_F(Debounce, ReleasesWhatItHasWhenItsGraphGoes) {
  Tokens tokens;
  {
    Stream<int> gone(loop);
    gone.debounce(1s).sink([](int) {});
    gone.emit(1, tokens(1));
  }
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  loop.advance(5s);
}

}  // namespace
}  // namespace penstock
