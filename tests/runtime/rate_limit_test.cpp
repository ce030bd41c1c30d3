#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class RateLimit : public ::testing::Test {
 protected:
  auto note_time() {
    return [this](int) { times.push_back(loop.elapsed()); };
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::vector<Duration> times;
};

TEST_F(RateLimit, KeepsElementsApart) {
  source.rate_limit(500ms).sink(note_time());
  for (int x = 0; x < 4; ++x) source.emit(x);
  EXPECT_THAT(times, ElementsAre(0ms, 500ms, 1000ms, 1500ms));
}

TEST_F(RateLimit, LetsAnElementThatComesLateThroughAtOnce) {
  source.rate_limit(500ms).sink(note_time());
  source.emit(1);
  loop.advance(700ms);
  source.emit(2);
  source.emit(3);
  EXPECT_THAT(times, ElementsAre(0ms, 700ms, 1200ms));
}

TEST_F(RateLimit, KeepsTheOrderOfEmitsThatWaitTogether) {
  auto out = source.rate_limit(1s).sink_to_vector();
  std::vector<Outcome> outcomes(4);
  for (int x = 0; x < 4; ++x) source.async_emit(x, outcomes[static_cast<std::size_t>(x)].token());
  loop.advance(2s);
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2));
  EXPECT_TRUE(outcomes[2].done());
  EXPECT_FALSE(outcomes[3].done());
  loop.run();
}

TEST_F(RateLimit, OfNothingDelaysNothing) {
  source.rate_limit(0s).sink(note_time());
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_THAT(times, ElementsAre(0s, 0s, 0s));
}

TEST_F(RateLimit, RaisesInTheEmitThatWaits) {
  source.rate_limit(1s).sink([](int x) {
    if (x == 2) throw std::runtime_error("two");
  });
  source.emit(1);
  EXPECT_THROW(source.emit(2), std::runtime_error);
  EXPECT_NO_THROW(source.emit(3));
  EXPECT_NO_THROW(source.drain());
}

TEST_F(RateLimit, TheEndComesAfterWhatWaits) {
  auto out = source.rate_limit(1s).partition(5).sink_to_vector();
  Outcome outcome;
  source.async_emit(1, outcome.token());
  source.async_emit(2, outcome.token());
  source.close();
  EXPECT_EQ(loop.elapsed(), 1s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(RateLimit, GoesOnWhenAnElementCannotBeCopied) {
  Stream<ThrowsOnCopy> values(loop);
  std::vector<int> out;
  values.rate_limit(1s).sink([&out](const ThrowsOnCopy& x) { out.push_back(x.value); });
  std::vector<Outcome> outcomes(4);
  for (int x = 0; x < 4; ++x) {
    values.async_emit(ThrowsOnCopy(x), outcomes[static_cast<std::size_t>(x)].token());
  }
  loop.run_pending();
  ThrowsOnCopy::copies_left = 1;
  loop.advance(1s);
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  loop.run();
  EXPECT_EQ(outcomes[1].error(), "copy failed");
  EXPECT_EQ(outcomes[3].error(), "");
  EXPECT_THAT(out, ElementsAre(0, 2, 3));
}

TEST_F(RateLimit, InACycleGoesOnAfterTheEnd) {
  auto limited = source.rate_limit(1s);
  auto out = limited.sink_to_vector();
  limited.filter([](int x) { return x < 3; }).map([](int x) { return x + 1; }).connect(source);
  Outcome emitted;
  Outcome closed;
  source.async_emit(1, emitted.token());
  source.async_close(closed.token());
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
  EXPECT_TRUE(emitted.done() && closed.done());
}

TEST_F(RateLimit, RefusesANegativeInterval) {
  EXPECT_THROW(source.rate_limit(-1s), Error);
  EXPECT_THROW(source.delay(-1s), Error);
}

}  // namespace
}  // namespace penstock
