// What the core counts and measures over time. Memory is fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/core/histogram.hpp"
#include "scheduler/core/snapshot.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

class Statistics {
 public:
  static constexpr std::int64_t kRateSeconds = 60;
  static constexpr std::int64_t kPercentileSeconds = 10;
  static constexpr std::size_t kErrors = 100;

  explicit Statistics(TimePoint started);

  // An outcome went to a client. `now` never goes back.
  void finished(TimePoint now, bool failed);
  // The same outcome's time since its submit: not for refused ones, which would hide the others.
  void took(Duration latency);
  // The user's function ran on a worker.
  void ran(Duration run) { run_time_.add(run); }
  // Remembers the failure among the last ones; long texts are shortened.
  void failure(TimePoint now, const Failure& failure);

  // Fills counters, rates, histograms, percentiles and errors.
  void fill(Snapshot& snapshot, TimePoint now) const;

  Counters counters;

 private:
  struct Second {
    std::int64_t number = -1;  // since the start; -1: never used
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
  };
  struct RecentLatency {
    std::int64_t number = -1;
    Histogram histogram;
  };

  std::int64_t second_of(TimePoint time) const;
  void begin_second(std::int64_t number);
  void fill_rates(Snapshot& snapshot, std::int64_t current) const;

  TimePoint started_;
  TimePoint second_end_;  // of current_: the common case needs no division
  std::int64_t current_ = 0;
  std::array<Second, kRateSeconds + 1> seconds_;
  std::array<RecentLatency, kPercentileSeconds> recent_;
  Histogram latency_;
  Histogram run_time_;
  std::vector<ErrorSample> errors_;  // a ring
  std::size_t next_error_ = 0;
};

}  // namespace penstock::scheduler
