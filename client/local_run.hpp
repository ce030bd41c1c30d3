// When a client runs the tasks of a plan itself, because sending them takes longer: TaskOptions::local_when_short.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "client/core/batching.hpp"

namespace penstock::client {

class LocalRun {
 public:
  using Duration = std::chrono::nanoseconds;

  static constexpr int kWindow = 1024;             // of tasks that are looked at together
  static constexpr Duration kMostEach = 2 * Batching::kCost;  // their mean; more: it is no short task any more
  // In a window, so that tasks that have become long are noticed before it is full. A thread that is not scheduled for
  // a moment is no reason.
  static constexpr Duration kMost = 5 * kMostEach * kWindow;

  bool active() const { return active_.load(std::memory_order_acquire); }
  void start() {
    time_.store(0, std::memory_order_relaxed);
    active_.store(true, std::memory_order_release);
  }

  // One ran for so long. Returns whether they are too long from now on: once, then it is not active.
  bool observe(Duration run) {
    const Duration all{time_.fetch_add(run.count(), std::memory_order_relaxed) + run.count()};
    const bool full = (tasks_.fetch_add(1, std::memory_order_relaxed) + 1) % kWindow == 0;
    if (full) time_.store(0, std::memory_order_relaxed);
    return all > (full ? kMostEach * kWindow : kMost) && active_.exchange(false);
  }

 private:
  std::atomic<bool> active_{false};
  std::atomic<std::uint32_t> tasks_{0};
  std::atomic<Duration::rep> time_{0};  // in this window
};

}  // namespace penstock::client
