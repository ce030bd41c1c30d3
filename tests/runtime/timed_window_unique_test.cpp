#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

const auto kTens = [](int x) { return x / 10; };

class TimedWindowUnique : public ::testing::Test {
 protected:
  void emit_all(const std::vector<int>& elements) {
    for (int x : elements) source.emit(x);
  }

  VirtualLoop loop;
  Stream<int> source{loop};
};

TEST_F(TimedWindowUnique, EmitsTheDistinctElementsOfEachInterval) {
  auto windows = source.timed_window_unique(1s);
  EXPECT_EQ(windows.name(), "timed_window_unique");
  auto out = windows.sink_to_vector();
  emit_all({1, 2, 1});
  loop.advance(1s);
  emit_all({1, 1});
  loop.advance(2s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(1), IsEmpty()));
}

TEST_F(TimedWindowUnique, KeepsTheFirstOrTheLastOfAKey) {
  auto first = source.timed_window_unique(1s, kTens).sink_to_vector();
  auto last = source.timed_window_unique(1s, kTens, Keep::kLast).sink_to_vector();
  emit_all({10, 20, 11});
  loop.advance(1s);
  EXPECT_THAT(first.values(), ElementsAre(ElementsAre(10, 20)));
  EXPECT_THAT(last.values(), ElementsAre(ElementsAre(20, 11)));
}

TEST_F(TimedWindowUnique, EmitsNoEmptyWindowWhenToldSo) {
  auto out = source.timed_window_unique(1s, {}, Keep::kFirst, {.emit_empty = false}).sink_to_vector();
  loop.advance(5s);
  EXPECT_THAT(out.values(), IsEmpty());
  emit_all({1, 1});
  loop.advance(1s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST_F(TimedWindowUnique, RefusesAnIntervalThatIsNotPositive) {
  EXPECT_THROW(source.timed_window_unique(0s), Error);
}

TEST_F(TimedWindowUnique, TheEndEmitsWhatIsLeftAndStopsTheClock) {
  auto out = source.timed_window_unique(1s).sink_to_vector();
  emit_all({1, 1, 2});
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
  loop.run();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(TimedWindowUnique, MakesTheEmitOfWhatItKeepsWaitForThePreviousWindow) {
  source.timed_window_unique(1s, kTens).sink([this](const std::vector<int>& w) -> asio::awaitable<void> {
    if (!w.empty()) co_await pass_time(loop, 5s);
  });
  source.emit(10);
  loop.advance(1s);
  Outcome kept;
  Outcome dropped;
  source.async_emit(20, kept.token());
  source.async_emit(21, dropped.token());
  loop.run_pending();
  EXPECT_FALSE(kept.done());
  EXPECT_TRUE(dropped.done());
  loop.advance(5s);
  EXPECT_TRUE(kept.done());
}

TEST_F(TimedWindowUnique, ReleasesTheTokenOfWhatItDropsAtOnceAndJoinsTheOthers) {
  Tokens tokens;
  source.timed_window_unique(1s, kTens, Keep::kLast).sink([](const std::vector<int>&) {});
  source.emit(10, tokens(1));
  source.emit(20, tokens(2));
  source.emit(11, tokens(3));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2, 3));
}

TEST_F(TimedWindowUnique, AFailingKeyObeysThePolicyAndIsNotInFlight) {
  source
      .timed_window_unique(
          1s, [](int) -> int { throw std::runtime_error("key"); }, Keep::kFirst, {.emit_empty = false})
      .sink([](const std::vector<int>&) {});
  EXPECT_THROW(source.emit(1), std::runtime_error);
  source.drain();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(TimedWindowUnique, ReportsWhatAWindowRaised) {
  source.timed_window_unique(1s).sink([](const std::vector<int>& w) {
    if (!w.empty()) throw std::runtime_error("window");
  });
  source.emit(1);
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(TimedWindowUnique, InACycleGoesOnAfterTheEnd) {
  auto items = source.timed_window_unique(1s).flatten();
  auto out = items.sink_to_vector();
  items.filter([](int x) { return x > 0; }).map([](int x) { return x - 1; }).connect(source);
  source.emit(2);
  source.close();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2, 1, 0));
  loop.run();
}

}  // namespace
}  // namespace penstock
