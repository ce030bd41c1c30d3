// How many short tasks of one plan travel as one. Pure: one lock of its owner guards it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace penstock::client {

// Learns how long the tasks of a plan run. A batch should run so long that what a task costs on its way counts
// for little, and not so long that its elements wait for each other.
class Batching {
 public:
  using Duration = std::chrono::nanoseconds;

  static constexpr Duration kRun = std::chrono::microseconds(200);    // of a batch
  static constexpr Duration kLongest = std::chrono::microseconds(50);  // of a task that travels in one
  // Of a short task on its way, for the client.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr Duration kCost = std::chrono::microseconds(40);
#else
  static constexpr Duration kCost = std::chrono::microseconds(2);
#endif
  static constexpr int kOutliers = 10;  // so many times as long the mean of short ones may be
  static constexpr std::size_t kSample = 100'000;
  static constexpr std::size_t kLargestSample = 100'000'000;
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostBytes = std::size_t{64} << 10;  // of inputs

  // `most` tasks at once; 0: as many as seems best.
  explicit Batching(std::size_t most) : most_(most) {}

  // `tasks` ran for so long, one after the other: an exponentially weighted mean.
  void observe(Duration run, std::size_t tasks) {
    const Duration each = run / static_cast<Duration::rep>(std::max<std::size_t>(tasks, 1));
    mean_run_ = measured_ ? mean_run_ + (each - mean_run_) / 4 : each;
    measured_ = true;
    sampled_run_ += run;
    sampled_ += tasks;
    if (each > kCost) return;
    short_run_ += run;
    short_ += tasks;
  }

  // Once, when so many have run that it is clear: sending them takes longer than running them. Most of them are, and
  // the others not by so much that they count more. A mean alone would not do: threads are not scheduled for a while.
  bool are_too_short() {
    if (told_ || sampled_ < sample_) return false;
    told_ = short_ > sampled_ / 2 && sampled_run_ <= kCost * kOutliers * static_cast<Duration::rep>(sampled_);
    if (told_) typical_run_ = short_run_ / static_cast<Duration::rep>(short_);
    forget_sample();
    return told_;
  }
  Duration typical_run() const { return typical_run_; }  // of those, in the last sample
  // They were not, later: they have to show it anew, by more of them.
  void were_not_short() {
    told_ = false;
    forget_sample();
    sample_ = std::min(4 * sample_, kLargestSample);
  }

  // Of `unsent` tasks that wait, for a cluster of so many threads: each thread should get its share.
  std::size_t size(std::size_t unsent, unsigned threads) const {
    if (most_ != 0) return std::min(most_, kMost);
    if (!measured_ || mean_run_ > kLongest) return 1;
    const auto run = std::max<Duration::rep>(mean_run_.count(), 1);
    const auto share = unsent / std::max(threads, 1U);
    return std::clamp<std::size_t>(std::min(static_cast<std::size_t>(kRun.count() / run), share), 1, kMost);
  }

 private:
  void forget_sample() {
    sampled_ = short_ = 0;
    sampled_run_ = short_run_ = Duration{};
  }

  std::size_t most_;
  bool measured_ = false;
  Duration mean_run_{};
  std::size_t sample_ = kSample;
  std::size_t sampled_ = 0;  // tasks
  Duration sampled_run_{};   // of all of them
  std::size_t short_ = 0;    // of them
  Duration short_run_{};
  Duration typical_run_{};
  bool told_ = false;
};

}  // namespace penstock::client
