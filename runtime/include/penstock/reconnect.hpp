// How sources and sinks with a connection try again.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "penstock/loop.hpp"

namespace penstock {

struct ReconnectOptions {
  Duration first_pause = std::chrono::milliseconds{100};
  Duration longest_pause = std::chrono::seconds{10};
  // Told, in one line, of every connection that is lost and found again; on the loop's thread. None: stderr.
  std::function<void(std::string_view)> on_notice = {};
};

namespace detail {

// Pauses that double, each shortened by up to a quarter at random, so that many who lost one server do
// not come back at one moment.
class Backoff {
 public:
  explicit Backoff(const ReconnectOptions& options)
      : first_(options.first_pause), longest_(options.longest_pause) {}

  Duration next() {
    const Duration pause = std::min(next_, longest_);
    next_ = 2 * pause;
    return pause - pause / 4 * static_cast<int>(random_() % 1024) / 1024;
  }
  void connected() { next_ = first_; }

 private:
  const Duration first_;
  const Duration longest_;
  Duration next_ = first_;
  std::minstd_rand random_{std::random_device{}()};
};

// Throws Error, which names `call`, for pauses that are not positive.
void check_reconnect(const char* call, const ReconnectOptions& options);
void notice(const ReconnectOptions& options, std::string_view call, std::string_view text);

}  // namespace detail
}  // namespace penstock
