// Counts of durations in buckets that grow by the square root of two: 1 us to 71 minutes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "scheduler/core/snapshot.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

class Histogram {
 public:
  static constexpr Duration kFirst = std::chrono::microseconds{1};
  static constexpr std::size_t kBounds = 64;

  void add(Duration duration);  // a negative one counts as zero
  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }

  // Seconds below which the fraction `share` (0 to 1) of the durations lies, interpolated inside a
  // bucket; 0 when there is none.
  double percentile(double share) const;

  HistogramSnapshot snapshot() const;

 private:
  std::array<std::uint64_t, kBounds + 1> counts_{};  // the last: above all bounds
  std::uint64_t count_ = 0;
  double sum_seconds_ = 0;
};

}  // namespace penstock::scheduler
