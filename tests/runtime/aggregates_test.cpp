// What the aggregates compute, against what a program would compute that has the whole window at
// hand.
#include "penstock/aggregates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Values = std::vector<double>;

// The results of window(n) for these values; select(window) makes the stream of results.
template <class T, class Select>
auto results_of(const std::vector<T>& values, std::size_t n, Select select) {
  Stream<T> source;
  auto out = select(source.window(n)).sink_to_vector();
  for (const T& value : values) source.emit(value);
  return out.values();
}

// naive(window) of each window, in long double.
template <class Naive>
Values naive_results(const Values& values, std::size_t n, Naive naive) {
  Values all;
  for (std::size_t end = 1; end <= values.size(); ++end) {
    const std::size_t begin = end > n ? end - n : 0;
    const std::vector<long double> window(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                          values.begin() + static_cast<std::ptrdiff_t>(end));
    all.push_back(static_cast<double>(naive(window)));
  }
  return all;
}

long double naive_sum(const std::vector<long double>& window) {
  return std::accumulate(window.begin(), window.end(), 0.0L);
}

long double naive_mean(const std::vector<long double>& window) {
  return naive_sum(window) / static_cast<long double>(window.size());
}

auto naive_variance(unsigned ddof) {
  return [ddof](const std::vector<long double>& window) -> long double {
    if (window.size() <= ddof) return kNan;
    const long double mean = naive_mean(window);
    long double squares = 0;
    for (const long double x : window) squares += (x - mean) * (x - mean);
    return squares / static_cast<long double>(window.size() - ddof);
  };
}

auto naive_quantile(long double q) {
  return [q](std::vector<long double> window) {
    std::sort(window.begin(), window.end());
    const long double position = q * static_cast<long double>(window.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const auto above = std::min(below + 1, window.size() - 1);
    return window[below] +
           (position - static_cast<long double>(below)) * (window[above] - window[below]);
  };
}

// The largest error, relative to the expected value; infinite where only one of the two is NaN.
double worst_error(const Values& results, const Values& expected) {
  if (results.size() != expected.size()) return kInfinity;
  double worst = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (std::isnan(results[i]) && std::isnan(expected[i])) continue;
    if (std::isnan(results[i]) || std::isnan(expected[i])) return kInfinity;
    if (results[i] == expected[i]) continue;
    worst = std::max(worst, std::abs(results[i] - expected[i]) / std::abs(expected[i]));
  }
  return worst;
}

Values random_values(std::size_t count, double centre, double spread) {
  std::mt19937_64 random(count);
  std::normal_distribution<double> normal(centre, spread);
  Values values(count);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

class AggregatesOfWindows : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Values values = random_values(2000, 10, 3);
};

TEST_P(AggregatesOfWindows, CountIsHowManyThereAre) {
  std::vector<std::size_t> expected;
  for (std::size_t i = 1; i <= values.size(); ++i) expected.push_back(std::min(i, GetParam()));
  EXPECT_EQ(results_of(values, GetParam(), [](auto w) { return w.count(); }), expected);
}

TEST_P(AggregatesOfWindows, SumAndMeanAreThoseOfTheWindow) {
  const auto sums = results_of(values, GetParam(), [](auto w) { return w.sum(); });
  EXPECT_LT(worst_error(sums, naive_results(values, GetParam(), naive_sum)), 1e-15);
  const auto means = results_of(values, GetParam(), [](auto w) { return w.mean(); });
  EXPECT_LT(worst_error(means, naive_results(values, GetParam(), naive_mean)), 1e-15);
}

TEST_P(AggregatesOfWindows, MinAndMaxAreThoseOfTheWindow) {
  const auto smallest = [](const auto& window) { return *std::ranges::min_element(window); };
  const auto largest = [](const auto& window) { return *std::ranges::max_element(window); };
  EXPECT_EQ(results_of(values, GetParam(), [](auto w) { return w.min(); }),
            naive_results(values, GetParam(), smallest));
  EXPECT_EQ(results_of(values, GetParam(), [](auto w) { return w.max(); }),
            naive_results(values, GetParam(), largest));
}

TEST_P(AggregatesOfWindows, VarianceIsThatOfTheSampleOrOfThePopulation) {
  const auto sample = results_of(values, GetParam(), [](auto w) { return w.variance(); });
  EXPECT_LT(worst_error(sample, naive_results(values, GetParam(), naive_variance(1))), 1e-12);
  const auto population =
      results_of(values, GetParam(), [](auto w) { return w.variance({.ddof = 0}); });
  EXPECT_LT(worst_error(population, naive_results(values, GetParam(), naive_variance(0))), 1e-12);
}

TEST_P(AggregatesOfWindows, StandardDeviationIsTheRootOfTheVariance) {
  auto expected = naive_results(values, GetParam(), naive_variance(1));
  for (double& x : expected) x = std::sqrt(x);
  const auto deviations =
      results_of(values, GetParam(), [](auto w) { return w.standard_deviation(); });
  EXPECT_LT(worst_error(deviations, expected), 1e-12);
}

TEST_P(AggregatesOfWindows, QuantilesLieBetweenTheNeighboursInOrder) {
  for (const double q : {0.0, 0.1, 0.5, 0.99, 1.0}) {
    const auto quantiles = results_of(values, GetParam(), [q](auto w) { return w.quantile(q); });
    EXPECT_LT(worst_error(quantiles, naive_results(values, GetParam(), naive_quantile(q))), 1e-13)
        << q;
  }
}

TEST_P(AggregatesOfWindows, QuantilesKeepEqualElementsApart) {
  Values repeated(values.size());
  std::ranges::transform(values, repeated.begin(), [](double x) { return std::floor(x); });
  const auto medians = results_of(repeated, GetParam(), [](auto w) { return w.quantile(0.5); });
  EXPECT_EQ(medians, naive_results(repeated, GetParam(), naive_quantile(0.5L)));
}

INSTANTIATE_TEST_SUITE_P(Sizes, AggregatesOfWindows, ::testing::Values(1, 2, 10, 100, 3000));

// ---- numbers ------------------------------------------------------------------------------------

TEST(Aggregates, VarianceOfSmallNoiseOnLargeValuesIsAccurate) {
  for (const std::size_t n : {10, 1000}) {
    const auto values = random_values(3000, 1e9, 1);
    const auto variances = results_of(values, n, [](auto w) { return w.variance(); });
    EXPECT_LT(worst_error(variances, naive_results(values, n, naive_variance(1))), 1e-6) << n;
  }
}

TEST(Aggregates, AreAsGoodAfterAMillionElementsAsAtFirst) {
  constexpr std::size_t kWindow = 100;
  auto values = random_values(1'000'000, 1e9, 1);
  for (std::size_t i = 0; i < values.size() - kWindow; i += 1000) values[i] = 1e15;
  const Values last(values.end() - kWindow, values.end());
  const auto expect = [&](auto naive, auto select, double error) {
    const double result = results_of(values, kWindow, select).back();
    const double expected = naive_results(last, kWindow, naive).back();
    EXPECT_LT(worst_error({result}, {expected}), error);
  };
  expect(naive_sum, [](auto w) { return w.sum(); }, 1e-15);
  expect(naive_mean, [](auto w) { return w.mean(); }, 1e-15);
  expect(naive_variance(1), [](auto w) { return w.variance(); }, 1e-6);
}

TEST(Aggregates, SumKeepsWhatSmallElementsAddToLargeOnes) {
  EXPECT_EQ(results_of(Values{1, 1e100, 1, -1e100}, 4, [](auto w) { return w.sum(); }).back(), 2);
}

TEST(Aggregates, SumOfIntegersIsExactWhereItFitsIn64Bits) {
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> values{kLargest, 5, -kLargest, kLargest};
  EXPECT_THAT(results_of(values, 3, [](auto w) { return w.sum(); }),
              ElementsAre(kLargest, std::numeric_limits<std::int64_t>::min() + 4, 5, 5));
  const std::vector<int> ints(3, 2'000'000'000);
  EXPECT_EQ(results_of(ints, 3, [](auto w) { return w.sum(); }).back(), 6'000'000'000);
  const std::vector<unsigned char> bytes(300, 255);
  EXPECT_EQ(results_of(bytes, 300, [](auto w) { return w.sum(); }).back(), 76'500U);
}

TEST(Aggregates, SumTakesWhateverCanBeAdded) {
  const std::vector<std::string> words{"a", "b", "c"};
  EXPECT_THAT(results_of(words, 2, [](auto w) { return w.sum(); }), ElementsAre("a", "ab", "bc"));
  const std::vector<std::chrono::seconds> times{1s, 2s, 4s};
  EXPECT_THAT(results_of(times, 2, [](auto w) { return w.sum(); }), ElementsAre(1s, 3s, 6s));
}

TEST(Aggregates, VarianceOfTooFewIsNaN) {
  EXPECT_TRUE(std::isnan(results_of(Values{7}, 3, [](auto w) { return w.variance(); }).back()));
  EXPECT_EQ(results_of(Values{7}, 3, [](auto w) { return w.variance({.ddof = 0}); }).back(), 0);
}

TEST(Aggregates, QuantileIsBetweenZeroAndOne) {
  EXPECT_THROW(aggregates::Quantile(-0.1), Error);
  EXPECT_THROW(aggregates::Quantile(1.1), Error);
  EXPECT_THROW(aggregates::Quantile{kNan}, Error);
}

TEST(Aggregates, QuantileOfInfinitiesIsNoNaNWhereItNeedNot) {
  const Values values{-kInfinity, 1, kInfinity};
  EXPECT_EQ(results_of(values, 3, [](auto w) { return w.quantile(0); }).back(), -kInfinity);
  EXPECT_EQ(results_of(values, 3, [](auto w) { return w.quantile(0.5); }).back(), 1);
  EXPECT_EQ(results_of(values, 3, [](auto w) { return w.quantile(0.75); }).back(), kInfinity);
}

TEST(Aggregates, SumOfAnInfinityIsOneUntilItLeaves) {
  EXPECT_THAT(results_of(Values{kInfinity, 1, 2}, 2, [](auto w) { return w.sum(); }),
              ElementsAre(kInfinity, kInfinity, 3));
}

// A NaN makes every result NaN as long as it is in the window, and no longer.
template <class Select>
void expect_nan_to_leave(Select select, unsigned at_least = 1) {
  const Values values{1, kNan, 2, 3, kNan, kNan, 4, 5, 6};
  const auto results = results_of(values, 2, select);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool too_few = i + 1 < at_least;
    const bool in_window = std::isnan(values[i]) || (i > 0 && std::isnan(values[i - 1]));
    EXPECT_EQ(std::isnan(results[i]), too_few || in_window) << i;
  }
}

TEST(Aggregates, ANaNIsForgottenWhenItLeavesTheWindow) {
  expect_nan_to_leave([](auto w) { return w.sum(); });
  expect_nan_to_leave([](auto w) { return w.mean(); });
  expect_nan_to_leave([](auto w) { return w.min(); });
  expect_nan_to_leave([](auto w) { return w.max(); });
  expect_nan_to_leave([](auto w) { return w.variance(); }, 2);
  expect_nan_to_leave([](auto w) { return w.variance({.ddof = 0}); });
  expect_nan_to_leave([](auto w) { return w.standard_deviation({.ddof = 0}); });
  expect_nan_to_leave([](auto w) { return w.quantile(0.5); });
}

}  // namespace
}  // namespace penstock
