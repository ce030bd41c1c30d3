// How many elements, and bytes, a stream may have on their way. Pure: one lock of its owner guards it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

namespace penstock::client {

struct WindowLimits {
  std::size_t elements = 0;  // 0: adaptive
  std::size_t bytes = std::size_t{256} << 20;  // of arguments; and of results, by their mean size so far
};

// Adaptive: enough to keep every thread of the cluster busy through a round trip and through the
// waiting for a slow element at the head of an ordered gather, and not more. Short tasks need many in
// flight, long ones few.
class Window {
 public:
  using Duration = std::chrono::nanoseconds;

  static constexpr std::size_t kLeast = 16;
  static constexpr std::size_t kMost = 16'384;
  static constexpr std::size_t kPerThread = 8;
  static constexpr Duration kCovered = std::chrono::milliseconds(80);  // of work per thread

  explicit Window(WindowLimits limits) : limits_(limits) {}

  void set_elements(std::size_t elements) { limits_.elements = elements; }
  // Never more than this.
  void set_most(std::size_t elements) { most_ = std::min(most_, elements); }

  // One element that is larger than the whole byte limit still passes, alone.
  bool has_place(std::size_t bytes) const {
    if (elements_ == 0) return true;
    return elements_ < capacity() && bytes_ + bytes <= limits_.bytes;
  }
  void take(std::size_t bytes) {
    ++elements_;
    bytes_ += bytes;
  }
  void release(std::size_t bytes) {
    --elements_;
    bytes_ -= bytes;
  }

  // Learns from outcomes: exponentially weighted means of the time a task runs and of what comes back.
  void observe(Duration run, std::size_t result_bytes, unsigned threads) {
    const auto bytes = static_cast<double>(result_bytes);
    mean_run_ = measured_ ? mean_run_ + (run - mean_run_) / 16 : run;
    mean_bytes_ = measured_ ? mean_bytes_ + (bytes - mean_bytes_) / 16 : bytes;
    measured_ = true;
    threads_ = std::max(threads, 1u);
  }

  // What comes back waits for its turn here, so not more than there is room for.
  std::size_t capacity() const {
    const std::size_t wanted = std::min(this->wanted(), most_);
    const double with_room = static_cast<double>(limits_.bytes) / std::max(mean_bytes_, 1.0);
    return with_room < static_cast<double>(wanted) ? std::max<std::size_t>(static_cast<std::size_t>(with_room), 1)
                                                   : wanted;
  }

  std::size_t elements() const { return elements_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t wanted() const {
    if (limits_.elements != 0) return limits_.elements;
    if (!measured_) return kLeast * 4;
    const auto run = std::max<Duration::rep>(mean_run_.count(), 1);
    const auto covering = static_cast<std::size_t>(kCovered.count() / run);
    return std::clamp(threads_ * (kPerThread + covering), kLeast, kMost);
  }

  WindowLimits limits_;
  std::size_t most_ = std::numeric_limits<std::size_t>::max();
  std::size_t elements_ = 0;
  std::size_t bytes_ = 0;
  bool measured_ = false;
  Duration mean_run_{};
  double mean_bytes_ = 0;
  std::size_t threads_ = 1;
};

}  // namespace penstock::client
