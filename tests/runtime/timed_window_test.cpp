#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using Window = std::vector<int>;

class TimedWindow : public ::testing::Test {
 protected:
  auto note() {
    return [this](const Window& window) {
      windows.push_back(window);
      times.push_back(loop.elapsed());
    };
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::vector<Window> windows;
  std::vector<Duration> times;
};

TEST_F(TimedWindow, EmitsWhatArrivedInEachInterval) {
  source.timed_window(1s).sink(note());
  source.emit(1);
  source.emit(2);
  loop.advance(1s);
  source.emit(3);
  loop.advance(1s);
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
  EXPECT_THAT(times, ElementsAre(1s, 2s));
}

TEST_F(TimedWindow, EmitsAnEmptyWindowWhenNothingArrived) {
  source.timed_window(1s).sink(note());
  loop.advance(2s);
  EXPECT_THAT(windows, ElementsAre(IsEmpty(), IsEmpty()));
}

TEST_F(TimedWindow, EmitsNoEmptyWindowWhenToldSo) {
  source.timed_window(1s, {.emit_empty = false}).sink(note());
  loop.advance(2500ms);
  source.emit(1);
  loop.advance(2s);
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1)));
  EXPECT_THAT(times, ElementsAre(3s));
}

TEST_F(TimedWindow, HasNoTimerWhileItIsEmptyAndEmitsNoEmptyWindows) {
  source.timed_window(1s, {.emit_empty = false}).sink(note());
  loop.run();  // returns: no timer is there
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(1);
  loop.run();
  EXPECT_EQ(loop.elapsed(), 1s);
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1)));
}

TEST_F(TimedWindow, AfterALongSleepItIsStillAlignedToItsStart) {
  source.timed_window(1s, {.emit_empty = false}).sink(note());
  loop.advance(1'000'000'500ms);
  source.emit(1);
  source.emit(2);
  loop.run();
  source.emit(3);
  loop.run();
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
  EXPECT_THAT(times, ElementsAre(1'000'001s, 1'000'002s));
}

TEST_F(TimedWindow, WakesForWhatComesWhileAWindowIsBeingDelivered) {
  source.timed_window(1s, {.emit_empty = false}).sink([this](const Window& window) -> asio::awaitable<void> {
    note()(window);
    co_await pass_time(loop, 2500ms);
  });
  source.emit(1);
  loop.advance(1s);
  source.async_emit(2, asio::detached);
  loop.run();
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1), ElementsAre(2)));
  EXPECT_THAT(times, ElementsAre(1s, 4s));
}

TEST_F(TimedWindow, StaysAlignedToItsStartBehindASlowSink) {
  source.timed_window(1s).sink([this](const Window&) -> asio::awaitable<void> {
    times.push_back(loop.elapsed());
    co_await pass_time(loop, 1300ms);
  });
  loop.advance(7s);
  EXPECT_THAT(times, ElementsAre(1s, 3s, 5s, 7s));
}

TEST_F(TimedWindow, MakesTheEmitWaitForThePreviousWindow) {
  source.timed_window(1s).sink([this](const Window& window) -> asio::awaitable<void> {
    if (!window.empty()) co_await pass_time(loop, 5s);
    note()(window);
  });
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 0s);
  loop.advance(1s);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 6s);
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1)));
}

TEST_F(TimedWindow, TheEndEmitsWhatIsLeftAndStopsTheClock) {
  source.timed_window(1s).sink(note());
  source.emit(1);
  source.close();
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1)));
  EXPECT_THAT(times, ElementsAre(0s));
  loop.run();  // returns: no timer is left
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(TimedWindow, TheEndOfAnEmptyWindowEmitsNothing) {
  source.timed_window(1s).sink(note());
  source.close();
  EXPECT_THAT(windows, IsEmpty());
}

TEST_F(TimedWindow, TheEndWaitsForTheWindowThatIsBeingDelivered) {
  source.timed_window(1s).sink([this](const Window& window) -> asio::awaitable<void> {
    co_await pass_time(loop, 5s);
    note()(window);
  });
  source.emit(1);
  loop.advance(1s);
  Outcome emitted;
  source.async_emit(2, emitted.token());
  source.close();
  EXPECT_TRUE(emitted.done());
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1), ElementsAre(2)));
  EXPECT_EQ(loop.elapsed(), 11s);
}

TEST_F(TimedWindow, DrainWaitsForTheWindowAndTheSinkBehindIt) {
  source.timed_window(1s).sink([this](const Window& window) -> asio::awaitable<void> {
    if (!window.empty()) co_await pass_time(loop, 5s);
    note()(window);
  });
  source.emit(1);
  source.drain();
  EXPECT_EQ(loop.elapsed(), 6s);
  EXPECT_THAT(windows, ElementsAre(ElementsAre(1)));
}

TEST_F(TimedWindow, ReportsWhatAWindowRaisedAndGoesOn) {
  source.timed_window(1s, {.emit_empty = false}).sink([this](const Window& window) {
    if (window.front() == 1) throw std::runtime_error("one");
    note()(window);
  });
  source.emit(1);
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.emit(2);
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(windows, ElementsAre(ElementsAre(2)));
}

TEST_F(TimedWindow, RefusesAnIntervalThatIsNotPositive) {
  EXPECT_THROW(source.timed_window(0s), Error);
  EXPECT_THROW(source.timed_window(-1s), Error);
}

TEST_F(TimedWindow, AnElementThatCannotBeCopiedIsNotInFlight) {
  Stream<ThrowsOnCopy> values(loop);
  values.timed_window(1s, {.emit_empty = false}).sink([](const std::vector<ThrowsOnCopy>&) {});
  Outcome outcome;
  values.async_emit(ThrowsOnCopy(1), outcome.token());
  ThrowsOnCopy::copies_left = 1;
  loop.run_pending();
  ThrowsOnCopy::copies_left = 0;
  EXPECT_EQ(outcome.error(), "copy failed");
  values.drain();
  EXPECT_EQ(loop.elapsed(), 0s);
}

}  // namespace
}  // namespace penstock
