// How many elements, and bytes, a stream may have on their way. Pure: one lock of its owner guards it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace penstock::client {

struct WindowLimits {
  std::size_t elements = 0;  // 0: adaptive
  std::size_t bytes = std::size_t{256} << 20;
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

  // Learns from outcomes: an exponentially weighted mean of the time a task runs.
  void observe(Duration run, unsigned threads) {
    mean_run_ = measured_ ? mean_run_ + (run - mean_run_) / 16 : run;
    measured_ = true;
    threads_ = std::max(threads, 1u);
  }

  std::size_t capacity() const {
    if (limits_.elements != 0) return limits_.elements;
    if (!measured_) return kLeast * 4;
    const auto run = std::max<Duration::rep>(mean_run_.count(), 1);
    const auto covering = static_cast<std::size_t>(kCovered.count() / run);
    return std::clamp(threads_ * (kPerThread + covering), kLeast, kMost);
  }

  std::size_t elements() const { return elements_; }
  std::size_t bytes() const { return bytes_; }

 private:
  WindowLimits limits_;
  std::size_t elements_ = 0;
  std::size_t bytes_ = 0;
  bool measured_ = false;
  Duration mean_run_{};
  std::size_t threads_ = 1;
};

}  // namespace penstock::client
