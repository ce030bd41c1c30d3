// Warnings about what strangers do: a flood of garbage must not become a flood of log lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "scheduler/log.hpp"

namespace penstock::scheduler {

// At most one line a second; what was left out is counted in the next one. Thread-safe.
class Warnings {
 public:
  using Clock = std::chrono::steady_clock;

  // `who` begins each line.
  explicit Warnings(std::string who) : who_(std::move(who)) {}

  // `now` never goes back.
  void warn(std::string_view what, Clock::time_point now) {
    std::lock_guard lock(mutex_);
    if (now < next_) {
      ++unlogged_;
      return;
    }
    if (unlogged_ == 0) {
      log().warn("{}: {}", who_, what);
    } else {
      log().warn("{}: {} ({} more since the last such line)", who_, what, unlogged_);
    }
    unlogged_ = 0;
    next_ = now + std::chrono::seconds(1);
  }

 private:
  const std::string who_;
  std::mutex mutex_;
  Clock::time_point next_;
  std::uint64_t unlogged_ = 0;
};

}  // namespace penstock::scheduler
