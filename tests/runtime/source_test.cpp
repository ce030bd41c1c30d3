// from_iterable.
#include <ranges>
#include <sstream>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(FromIterable, WithoutALoopEmitsAllInStart) {
  const auto source = from_iterable(std::vector{1, 2, 3});
  auto out = source.map([](int x) { return 10 * x; }).sink_to_vector();
  EXPECT_THAT(out.values(), IsEmpty());
  source.start();
  EXPECT_THAT(out.values(), ElementsAre(10, 20, 30));
}

TEST(FromIterable, EndsAfterTheLastElement) {
  const auto source = from_iterable(std::vector{1, 2, 3});
  auto out = source.partition(2).sink_to_vector();
  source.start();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
  EXPECT_THROW(source.emit(4), ClosedError);
}

TEST(FromIterable, TakesAnyRange) {
  const auto squares =
      from_iterable(std::views::iota(1, 4) | std::views::transform([](int x) { return x * x; }));
  auto out = squares.sink_to_vector();
  squares.start();
  EXPECT_THAT(out.values(), ElementsAre(1, 4, 9));

  std::istringstream text("3 2 1");
  const auto numbers = from_iterable(std::ranges::istream_view<int>(text));
  auto read = numbers.sink_to_vector();
  numbers.start();
  EXPECT_THAT(read.values(), ElementsAre(3, 2, 1));
}

TEST(FromIterable, OfNothingEndsAtOnce) {
  const auto source = from_iterable(std::vector<int>{});
  auto out = source.partition(2).sink_to_vector();
  source.start();
  EXPECT_THAT(out.values(), IsEmpty());
  EXPECT_THROW(source.emit(1), ClosedError);
}

TEST(FromIterable, ReadsAnElementOnlyWhenItIsWanted) {
  int read = 0;
  std::vector<int> read_at_sink;
  const auto source = from_iterable(std::views::iota(0, 3) | std::views::transform([&read](int x) {
                                      ++read;
                                      return x;
                                    }));
  source.sink([&](int) { read_at_sink.push_back(read); });
  source.start();
  EXPECT_THAT(read_at_sink, ElementsAre(1, 2, 3));
}

TEST(FromIterable, StopTakesEffectBeforeTheNextElementAndStartGoesOn) {
  const auto source = from_iterable(std::vector{1, 2, 3, 4});
  std::vector<int> seen;
  source.sink([&](int x) {
    seen.push_back(x);
    if (x == 2) source.stop();
  });
  source.start();
  EXPECT_THAT(seen, ElementsAre(1, 2));
  source.start();
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4));
  source.start();  // nothing is left
  EXPECT_EQ(seen.size(), 4u);
}

TEST(FromIterable, GoesOnAfterAnErrorAndThrowsItAtTheEnd) {
  const auto source = from_iterable(std::vector{1, 2, 3, 4});
  std::vector<int> seen;
  source.sink([&](int x) {
    if (x % 2 == 0) throw std::runtime_error(std::to_string(x));
    seen.push_back(x);
  });
  try {
    source.start();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "2");
  }
  EXPECT_THAT(seen, ElementsAre(1, 3));
  try {
    source.drain();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "4");
  }
}

TEST(FromIterable, LeavesOutAnElementThatCannotBeRead) {
  const auto source = from_iterable(std::views::iota(0, 4) | std::views::transform([](int x) {
                                      if (x == 1) throw std::runtime_error("unreadable");
                                      return x;
                                    }));
  auto out = source.sink_to_vector();
  EXPECT_THROW(source.start(), std::runtime_error);
  EXPECT_THAT(out.values(), ElementsAre(0, 2, 3));
}

TEST(FromIterable, EndsWhenTheRangeCannotGoOn) {
  const auto source = from_iterable(std::views::iota(0, 4) | std::views::filter([](int x) {
                                      if (x == 2) throw std::runtime_error("broken");
                                      return true;
                                    }));
  auto out = source.partition(10).sink_to_vector();
  EXPECT_THROW(source.start(), std::runtime_error);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1)));
}

TEST(FromIterable, OnALoopEmitsTheNextWhenThePreviousWasDelivered) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
  Gate gate;
  std::vector<int> started;
  source.sink([&](int x) -> asio::awaitable<void> {
    started.push_back(x);
    co_await gate.pass();
  });
  source.start();
  EXPECT_THAT(started, IsEmpty());
  loop.run();
  EXPECT_THAT(started, ElementsAre(1));
  while (gate.waiting() > 0) {
    gate.open_for_one();
    loop.run();
  }
  EXPECT_THAT(started, ElementsAre(1, 2, 3));
}

TEST(FromIterable, RunsOnTheLoopThatItsGraphGot) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3});
  auto out = source.rate_limit(1s, {.loop = loop}).sink_to_vector();
  source.start();
  loop.advance(1s);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
  loop.run();
  EXPECT_EQ(loop.elapsed(), 2s);
}

TEST(FromIterable, DrainAfterStartWaitsForAllOfIt) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
  auto out = source.rate_limit(1s).sink_to_vector();
  source.start();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(FromIterable, AStopAndStartInOneBreathDoesNotRunItTwice) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
  std::vector<Duration> times;
  source.sink([&](int) -> asio::awaitable<void> {
    times.push_back(loop.elapsed());
    co_await pass_time(loop, 1s);
  });
  source.start();
  loop.run_pending();
  source.stop();
  source.start();
  source.start();
  loop.run();
  EXPECT_THAT(times, ElementsAre(0s, 1s, 2s));
}

TEST(FromIterable, StoppedOnALoopStaysWhereItIs) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
  auto out = source.rate_limit(1s).sink_to_vector();
  source.start();
  loop.advance(500ms);
  source.stop();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1, 2));  // the second was on its way
  source.start();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(FromIterable, ReportsErrorsOnALoopToTheNextDrain) {
  VirtualLoop loop;
  const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
  std::vector<int> seen;
  source.sink([&seen](int x) {
    if (x == 2) throw std::runtime_error("two");
    seen.push_back(x);
  });
  source.start();
  EXPECT_THROW(source.drain(), std::runtime_error);
  EXPECT_THAT(seen, ElementsAre(1, 3));
}

TEST(FromIterable, CloseStopsIt) {
  const auto source = from_iterable(std::vector{1, 2, 3});
  auto out = source.partition(5).sink_to_vector();
  source.sink([&source](int x) {
    if (x == 2) source.close();
  });
  source.start();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(FromIterable, MayBeStartedAndStoppedFromAnotherThread) {
  LoopThread thread;
  const auto source = from_iterable(std::views::iota(0, 2000), {.loop = thread});
  auto out = source.sink_to_vector();
  for (int round = 0; round < 50; ++round) {
    source.start();
    source.stop();
  }
  source.start();
  source.drain();
  std::vector<int> all(2000);
  for (int i = 0; i < 2000; ++i) all[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(out.values(), all);
}

TEST(FromIterable, MovesTheElementsOfAContainer) {
  std::vector<std::unique_ptr<int>> numbers;
  for (int x = 1; x <= 3; ++x) numbers.push_back(std::make_unique<int>(x));
  const auto source = from_iterable(std::move(numbers));
  auto out = source.map([](std::unique_ptr<int> x) { return *x; }).sink_to_vector();
  source.start();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(FromIterable, CopiesTheElementsOfAView) {
  std::vector<std::string> words{"a word that is too long for the object itself"};
  const auto source = from_iterable(std::views::all(words));
  auto out = source.sink_to_vector();
  source.start();
  EXPECT_EQ(out.values(), words);
}

TEST(FromIterable, WhatTheRangeThrowsMayBeSkippedOrGoToADeadLetter) {
  const auto broken = [] {
    return std::views::iota(1, 4) | std::views::transform([](int x) {
             if (x == 2) throw std::runtime_error("unreadable");
             return x;
           });
  };
  auto skipping = from_iterable(broken());
  skipping.on_error(ErrorPolicy::skip());
  auto out = skipping.sink_to_vector();
  skipping.start();
  EXPECT_THAT(out.values(), ElementsAre(1, 3));

  Stream<Failure> errors;
  auto failed = errors.map([](const Failure& failure) { return failure.text(); }).sink_to_vector();
  auto telling = from_iterable(broken());
  telling.on_error(ErrorPolicy::dead_letter(errors));
  telling.sink([](int) {});
  telling.start();
  EXPECT_THAT(failed.values(), ElementsAre("unreadable"));
}

}  // namespace
}  // namespace penstock
