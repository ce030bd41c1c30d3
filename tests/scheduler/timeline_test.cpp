#include "scheduler/core/timeline.hpp"

#include <gtest/gtest.h>

namespace penstock::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT

Timeline::Label label(const char* text) { return std::make_shared<const std::string>(text); }

TEST(Timeline, ShowsLongRunsOneByOne) {
  Timeline timeline;
  const auto square = label("square");
  const TimePoint start{1h};
  timeline.add(start, start + 100ms, square, false);
  timeline.add(start + 100ms, start + 200ms, square, true);
  const auto spans = timeline.spans(start + 1s);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].end, start + 100ms);
  EXPECT_FALSE(spans[0].failed);
  EXPECT_TRUE(spans[1].failed);
  EXPECT_EQ(spans[1].label, "square");
}

TEST(Timeline, MergesShortRunsOfOnePlan) {
  Timeline timeline;
  const auto square = label("square");
  TimePoint now{1h};
  for (int i = 0; i < 100; ++i) timeline.add(now + i * 1ms, now + i * 1ms + 500us, square, i == 5);
  const auto spans = timeline.spans(now + 1s);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].tasks, 100u);
  EXPECT_TRUE(spans[0].failed);
  EXPECT_EQ(spans[0].begin, now);
  EXPECT_EQ(spans[0].end, now + 99ms + 500us);
}

TEST(Timeline, KeepsAGapThatCanBeSeen) {
  Timeline timeline;
  const auto square = label("square");
  const TimePoint now{1h};
  timeline.add(now, now + 1ms, square, false);
  timeline.add(now + 50ms, now + 51ms, square, false);
  EXPECT_EQ(timeline.spans(now + 1s).size(), 2u);
}

TEST(Timeline, NamesAPieceOfSeveralPlansAfterTheLongest) {
  Timeline timeline;
  const auto square = label("square"), cube = label("cube");
  const TimePoint now{1h};
  timeline.add(now, now + 1ms, square, false);
  timeline.add(now + 1ms, now + 10ms, cube, false);
  const auto spans = timeline.spans(now + 1s);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].label, "cube");
}

TEST(Timeline, CutsOffOverlapsOfRunsReportedTogether) {
  Timeline timeline;
  const auto square = label("square");
  const TimePoint now{1h};
  timeline.add(now - 50ms, now, square, false);
  timeline.add(now - 50ms, now, square, false);
  for (const Span& span : timeline.spans(now)) EXPECT_LE(span.begin, span.end);
}

TEST(Timeline, ForgetsWhatIsOlderThanThirtySeconds) {
  Timeline timeline;
  const auto square = label("square");
  const TimePoint now{1h};
  timeline.add(now, now + 1s, square, false);
  timeline.add(now + 20s, now + 21s, square, false);
  EXPECT_EQ(timeline.spans(now + 30s).size(), 2u);
  EXPECT_EQ(timeline.spans(now + 32s).size(), 1u);
  timeline.add(now + 52s, now + 53s, square, false);
  EXPECT_EQ(timeline.size(), 1u);
}

TEST(Timeline, IsBoundedAtAnyRateAndMixture) {
  Timeline timeline;
  const auto square = label("square"), cube = label("cube");
  TimePoint now{1h};
  for (int i = 0; i < 500'000; ++i) {
    timeline.add(now, now + 200us, i % 2 == 0 ? square : cube, false);
    now += 200us + (i % 7) * 1us;
  }
  EXPECT_LE(timeline.size(), Timeline::kMostPieces);
  for (int i = 0; i < 5000; ++i) {
    timeline.add(now, now + 2ms, square, false);
    now += 33ms;
  }
  EXPECT_LE(timeline.size(), Timeline::kMostPieces);
}

}  // namespace
}  // namespace penstock::scheduler
