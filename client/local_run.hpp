// When a client runs the tasks of a plan itself, because sending them takes longer: TaskOptions::local_when_short.
// Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "client/core/batching.hpp"

namespace penstock::client {

class LocalRun {
 public:
  using Duration = std::chrono::nanoseconds;

  static constexpr int kWindow = 1024;  // of tasks that are looked at together
  static constexpr Duration kLong = 2 * Batching::kCost;  // longer: it is no short task any more
  // Of all in a window, so that tasks that have become long are noticed before it is full.
  static constexpr Duration kMost = Batching::kCost * Batching::kOutliers * kWindow;
  // Counts for no more: a thread that is not scheduled for a moment is no reason.
  static constexpr Duration kMostEach = kMost / 4;

  bool active() const { return active_.load(std::memory_order_acquire); }
  void start() {
    time_.store(0, std::memory_order_relaxed);
    long_.store(0, std::memory_order_relaxed);
    active_.store(true, std::memory_order_release);
  }

  // One ran for so long. Returns whether they are too long from now on: once, then it is not active.
  bool observe(Duration run) {
    const auto counted = std::min(run, kMostEach).count();
    bool ends = time_.fetch_add(counted, std::memory_order_relaxed) + counted > kMost.count();
    if (run > kLong) ends |= long_.fetch_add(1, std::memory_order_relaxed) + 1 > kWindow / 2;
    if ((tasks_.fetch_add(1, std::memory_order_relaxed) + 1) % kWindow == 0) {
      time_.store(0, std::memory_order_relaxed);
      long_.store(0, std::memory_order_relaxed);
    }
    return ends && active_.exchange(false);
  }

 private:
  std::atomic<bool> active_{false};
  std::atomic<std::uint32_t> tasks_{0};
  // In this window:
  std::atomic<Duration::rep> time_{0};
  std::atomic<int> long_{0};
};

}  // namespace penstock::client
