#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Delay : public ::testing::Test {
 protected:
  auto note_time() {
    return [this](int) { times.push_back(loop.elapsed()); };
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::vector<Duration> times;
};

TEST_F(Delay, KeepsTheSpacingOfTheElements) {
  source.delay(10s).sink(note_time());
  source.emit(1);
  loop.advance(1s);
  source.emit(2);
  source.emit(3);
  loop.advance(4s);
  source.emit(4);
  source.drain();
  EXPECT_THAT(times, ElementsAre(10s, 11s, 11s, 15s));
}

TEST_F(Delay, LetsTheEmitGoAtOnce) {
  source.delay(10s).sink(note_time());
  for (int x = 0; x < 100; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(Delay, MakesTheEmitWaitBeyondItsLimit) {
  source.delay(10s, {.limit = 2}).sink(note_time());
  source.emit(1);
  loop.advance(1s);
  source.emit(2);
  source.emit(3);  // waits until the first has left
  EXPECT_EQ(loop.elapsed(), 10s);
  source.drain();
  EXPECT_THAT(times, ElementsAre(10s, 11s, 11s));  // it came in after one second
}

TEST_F(Delay, WithoutALimitIsRefused) { EXPECT_THROW(source.delay(1s, {.limit = 0}), Error); }

TEST_F(Delay, TheEndComesAfterItsElements) {
  auto out = source.delay(10s).partition(5).sink_to_vector();
  source.emit(1);
  source.emit(2);
  source.close();
  EXPECT_EQ(loop.elapsed(), 10s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(Delay, ASlowSinkDelaysTheNextOnesButLosesNone) {
  std::vector<int> seen;
  source.delay(1s).sink([&](int x) -> asio::awaitable<void> {
    co_await pass_time(loop, 5s);
    seen.push_back(x);
    times.push_back(loop.elapsed());
  });
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(seen, ElementsAre(0, 1, 2));
  EXPECT_THAT(times, ElementsAre(6s, 11s, 16s));
}

TEST_F(Delay, ReportsErrorsBehindItToTheNextDrain) {
  source.delay(1s).sink([](int) { throw std::runtime_error("late"); });
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

}  // namespace
}  // namespace penstock
