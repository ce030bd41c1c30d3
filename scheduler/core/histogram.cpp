#include "scheduler/core/histogram.hpp"

#include <algorithm>
#include <bit>

namespace penstock::scheduler {
namespace {

using Bounds = std::array<std::int64_t, Histogram::kBounds>;

// Inclusive upper bounds in nanoseconds.
constexpr Bounds make_bounds() {
  constexpr double kRootOfTwo = 1.4142135623730951;
  Bounds bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double whole = static_cast<double>(std::uint64_t{1} << ((i + 1) / 2));
    const double factor = (i + 1) % 2 == 0 ? whole : whole * kRootOfTwo;
    bounds[i] = static_cast<std::int64_t>(factor * static_cast<double>(Histogram::kFirst.count()));
  }
  return bounds;
}

constexpr Bounds kUpper = make_bounds();

std::size_t bucket_of(std::int64_t nanoseconds) {
  const auto firsts = static_cast<std::uint64_t>(nanoseconds / Histogram::kFirst.count());
  if (firsts == 0) return 0;
  // The whole power of two below gives the bucket but for the edges.
  const std::size_t power = std::bit_width(firsts) - 1;
  std::size_t bucket = power == 0 ? 0 : 2 * power - 1;
  while (bucket < kUpper.size() && nanoseconds > kUpper[bucket]) ++bucket;
  return std::min(bucket, kUpper.size());
}

double seconds(double nanoseconds) { return nanoseconds * 1e-9; }

}  // namespace

void Histogram::add(Duration duration) {
  const std::int64_t nanoseconds = std::max<std::int64_t>(duration.count(), 0);
  ++counts_[bucket_of(nanoseconds)];
  ++count_;
  sum_seconds_ += seconds(static_cast<double>(nanoseconds));
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_seconds_ += other.sum_seconds_;
}

double Histogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const double wanted = share * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < kUpper.size(); ++i) {
    const auto here = static_cast<double>(counts_[i]);
    if (here > 0 && below + here >= wanted) {
      const double lower = i == 0 ? 0 : static_cast<double>(kUpper[i - 1]);
      const double upper = static_cast<double>(kUpper[i]);
      return seconds(lower + (upper - lower) * (wanted - below) / here);
    }
    below += here;
  }
  return seconds(static_cast<double>(kUpper.back()));
}

HistogramSnapshot Histogram::snapshot() const {
  HistogramSnapshot result;
  for (std::int64_t bound : kUpper) {
    result.upper_seconds.push_back(seconds(static_cast<double>(bound)));
  }
  result.counts.assign(counts_.begin(), counts_.end());
  result.count = count_;
  result.sum_seconds = sum_seconds_;
  return result;
}

}  // namespace penstock::scheduler
