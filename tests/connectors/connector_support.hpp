// What the tests of all connectors share: waiting for what happens outside, what came, and what holds it up.
#pragma once

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {

// Longer than kDeadline: other programs take part, and Kafka's groups take seconds to form.
constexpr auto kOutsideDeadline = 60s;

// Looks until it is true; false when the deadline has passed.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kOutsideDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// True when it is true all that time.
template <class Condition>
bool stays(Condition condition, std::chrono::milliseconds time = 500ms) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (!condition()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// What comes on other threads, in order.
template <class T>
class Inbox {
 public:
  void add(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  // A function that adds; the inbox must outlive it.
  auto note() {
    return [this](const T& value) { add(value); };
  }

  // Takes the first out. Throws when none comes in time.
  T next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kOutsideDeadline, [this] { return !values_.empty(); })) {
      throw std::runtime_error("nothing came in time");
    }
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  std::vector<T> next(std::size_t count) {
    std::vector<T> values;
    while (values.size() < count) values.push_back(next());
    return values;
  }

  // Wait for what is in it; false when the deadline has passed.
  bool has(std::size_t count) {
    return is([count](const auto& values) { return values.size() >= count; });
  }
  bool is(const std::function<bool(const std::deque<T>&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kOutsideDeadline, [&] { return condition(values_); });
  }

  std::vector<T> values() const {
    std::lock_guard lock(mutex_);
    return {values_.begin(), values_.end()};
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

// Holds up awaitable functions while it is shut.
class Valve {
 public:
  explicit Valve(bool open) : open_(open) {}

  void shut() { open_ = false; }
  void open() { open_ = true; }
  asio::awaitable<void> pass() {
    ++arrived_;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!open_) {
      timer.expires_after(2ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }
  int arrived() const { return arrived_; }

 private:
  std::atomic<bool> open_;
  std::atomic<int> arrived_{0};
};

inline std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (int x = from; x < to; ++x) all.push_back(std::to_string(x));
  return all;
}

}  // namespace penstock::testing
