// Blocking waits: one thread waits for one completion that may come from another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "penstock/loop.hpp"

namespace penstock::detail {

class Waiter {
 public:
  void complete(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
    done_.store(true, std::memory_order_release);
    condition_.notify_one();  // under the lock: the waiter may be gone right after it
  }

  // Waits, or lets `loop` run until the completion when it has no thread of its own (virtual time).
  // Throws the error.
  void wait(Loop* loop);

 private:
  bool done() const { return done_.load(std::memory_order_acquire); }

  std::mutex mutex_;
  std::condition_variable condition_;
  std::atomic<bool> done_{false};
  std::exception_ptr error_;
};

}  // namespace penstock::detail
