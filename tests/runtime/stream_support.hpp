// What the tests of streams share: time and gates for awaitable functions, deadlines for real
// threads.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <deque>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "penstock/runtime.hpp"
#include "penstock/virtual_loop.hpp"

namespace penstock::testing {

using namespace std::chrono_literals;  // NOLINT: for tests
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A test that waits for another thread gives up after this.
constexpr auto kDeadline = 20s;

// Waits for another thread; false when the deadline has passed.
template <class T>
bool arrives(const std::future<T>& future) {
  return future.wait_for(kDeadline) == std::future_status::ready;
}

// Waits until nobody else has the token; false when the deadline has passed. A stop() from another thread is
// over when the graph is gone, and with it the token that its sink holds.
inline bool is_let_go(const std::shared_ptr<int>& token) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (token.use_count() > 1) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

inline std::string what(const std::exception_ptr& error) {
  return error ? Failure{error, ""}.text() : "";
}

// Completes `duration` later in the loop's own time. On the loop's thread.
inline asio::awaitable<void> pass_time(LoopRef loop, Duration duration) {
  auto initiate = [loop = loop.get(), duration](auto handler) {
    loop->call_at(loop->now() + duration,
                  [handler = std::move(handler)]() mutable { std::move(handler)(); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate),
                                                                       asio::use_awaitable);
}

// Holds up awaitable functions until the test lets them go, one by one, in order. One thread.
class Gate {
 public:
  asio::awaitable<void> pass() {
    auto initiate = [this](auto handler) {
      waiting_.push_back([handler = std::move(handler)]() mutable {
        auto executor = asio::get_associated_executor(handler);
        asio::post(executor, std::move(handler));
      });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate),
                                                                         asio::use_awaitable);
  }

  std::size_t waiting() const { return waiting_.size(); }

  void open_for_one() {
    auto go_on = std::move(waiting_.front());
    waiting_.pop_front();
    go_on();
  }

 private:
  std::deque<absl::AnyInvocable<void()>> waiting_;
};

// A completion token that remembers what an asynchronous call completed with.
class Outcome {
 public:
  auto token() {
    return [this](std::exception_ptr error) {
      done_ = true;
      error_ = std::move(error);
    };
  }
  bool done() const { return done_; }
  std::string error() const { return what(error_); }

 private:
  bool done_ = false;
  std::exception_ptr error_;
};

// Makes tokens that note their number when they are released.
class Tokens {
 public:
  Token operator()(int number) {
    return Token([this, number] { released_.push_back(number); });
  }
  const std::vector<int>& released() const { return released_; }

 private:
  std::vector<int> released_;
};

// Counts its copies, and throws in the copy that the test chose. It cannot be moved.
struct ThrowsOnCopy {
  explicit ThrowsOnCopy(int number) : value(number) {}
  ThrowsOnCopy(const ThrowsOnCopy& other) : value(other.value) {
    if (copies_left > 0 && --copies_left == 0) throw std::runtime_error("copy failed");
  }
  ThrowsOnCopy& operator=(const ThrowsOnCopy&) = default;

  int value;
  static inline int copies_left = 0;  // the copy that brings it to zero throws; zero: none does
};

}  // namespace penstock::testing
