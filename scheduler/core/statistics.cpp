#include "scheduler/core/statistics.hpp"

#include <algorithm>

#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

constexpr Duration kSecond = std::chrono::seconds{1};
constexpr std::size_t kLongestErrorText = 2000;
constexpr std::size_t kLongestErrorName = 256;

template <typename Ring>
auto& place(Ring& ring, std::int64_t number) {
  return ring[static_cast<std::size_t>(number) % ring.size()];
}

}  // namespace

Statistics::Statistics(TimePoint started) : started_(started), second_end_(started) {
  begin_second(0);
}

void Statistics::finished(TimePoint now, bool failed) {
  if (now >= second_end_) begin_second(second_of(now));
  Second& second = place(seconds_, current_);
  ++(failed ? second.failed : second.done);
  ++(failed ? counters.failed : counters.done);
}

void Statistics::took(Duration latency) {
  latency_.add(latency);
  place(recent_, current_).histogram.add(latency);
}

void Statistics::failure(TimePoint now, const Failure& failure) {
  if (errors_.size() < kErrors) errors_.emplace_back();
  // Assigning into the old sample uses its memory again.
  ErrorSample& sample = errors_[next_error_];
  next_error_ = (next_error_ + 1) % kErrors;
  sample.at = now;
  sample.failure.kind = failure.kind;
  sample.failure.type = shortened(failure.type, kLongestErrorName);
  sample.failure.text = shortened(failure.text, kLongestErrorText);
  sample.failure.task = shortened(failure.task, kLongestErrorName);
  sample.failure.worker = failure.worker;
  sample.failure.attempt = failure.attempt;
}

std::int64_t Statistics::second_of(TimePoint time) const { return (time - started_) / kSecond; }

void Statistics::begin_second(std::int64_t number) {
  current_ = number;
  second_end_ = started_ + (number + 1) * kSecond;
  place(seconds_, number) = {number, 0, 0};
  place(recent_, number) = {number, {}};
}

void Statistics::fill(Snapshot& snapshot, TimePoint now) const {
  const std::int64_t current = second_of(now);
  snapshot.started = started_;
  snapshot.counters = counters;
  snapshot.latency = latency_.snapshot();
  snapshot.run_time = run_time_.snapshot();
  fill_rates(snapshot, current);
  Histogram recent;
  for (const RecentLatency& second : recent_) {
    if (second.number >= 0 && second.number > current - kPercentileSeconds) {
      recent.add(second.histogram);
    }
  }
  snapshot.latency_p50 = recent.percentile(0.50);
  snapshot.latency_p99 = recent.percentile(0.99);
  const std::size_t oldest = errors_.size() < kErrors ? 0 : next_error_;
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    snapshot.errors.push_back(errors_[(oldest + i) % errors_.size()]);
  }
}

void Statistics::fill_rates(Snapshot& snapshot, std::int64_t current) const {
  for (std::int64_t number = std::max<std::int64_t>(0, current - kRateSeconds); number < current;
       ++number) {
    const Second& second = place(seconds_, number);
    RateSample sample{started_ + (number + 1) * kSecond, 0, 0};
    if (second.number == number) {
      sample.done = second.done;
      sample.failed = second.failed;
    }
    snapshot.rates.push_back(sample);
  }
  if (snapshot.rates.empty()) return;
  const RateSample& last = snapshot.rates.back();
  snapshot.throughput = static_cast<double>(last.done + last.failed);
}

}  // namespace penstock::scheduler
