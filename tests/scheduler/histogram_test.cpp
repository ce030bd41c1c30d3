#include "scheduler/core/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace penstock::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT

TEST(Histogram, PutsADurationIntoTheFirstBucketThatIsNotBelowIt) {
  const HistogramSnapshot bounds = Histogram().snapshot();
  for (std::int64_t ns = 0; ns < 5'000'000'000'000; ns = ns * 5 / 4 + 1) {
    Histogram histogram;
    histogram.add(Duration{ns});
    const HistogramSnapshot shown = histogram.snapshot();
    std::size_t expected = 0;
    while (expected < bounds.upper_seconds.size() &&
           ns > std::llround(bounds.upper_seconds[expected] * 1e9)) {
      ++expected;
    }
    ASSERT_EQ(shown.counts[expected], 1u) << ns;
  }
}

TEST(Histogram, CountsOnItsBoundsInclusively) {
  Histogram histogram;
  histogram.add(2us);
  const HistogramSnapshot shown = histogram.snapshot();
  EXPECT_DOUBLE_EQ(shown.upper_seconds[1], 2e-6);
  EXPECT_EQ(shown.counts[1], 1u);
}

TEST(Histogram, SumsUp) {
  Histogram one, other;
  one.add(1ms);
  other.add(3ms);
  other.add(-1ms);
  one.add(other);
  const HistogramSnapshot shown = one.snapshot();
  EXPECT_EQ(shown.count, 3u);
  EXPECT_NEAR(shown.sum_seconds, 4e-3, 1e-9);
  EXPECT_EQ(std::accumulate(shown.counts.begin(), shown.counts.end(), std::uint64_t{0}), 3u);
  EXPECT_EQ(shown.counts.size(), shown.upper_seconds.size() + 1);
}

TEST(Histogram, InterpolatesPercentiles) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) histogram.add(i * 1ms);
  EXPECT_NEAR(histogram.percentile(0.50), 0.5, 0.05);
  EXPECT_NEAR(histogram.percentile(0.99), 0.99, 0.1);
}

TEST(Histogram, GivesTheLastBoundForPercentilesAboveIt) {
  Histogram histogram;
  histogram.add(100h);
  EXPECT_DOUBLE_EQ(histogram.percentile(0.5), histogram.snapshot().upper_seconds.back());
}

}  // namespace
}  // namespace penstock::scheduler
