// Queue<T>: hands elements from any number of threads to a stream without making it theirs.
//
//   auto queue = std::make_shared<penstock::Queue<Order>>(1000);
//   auto orders = penstock::from_queue(queue);
//   orders.map(f).sink(g);
//   orders.start();
//   queue->push(order);       // any thread; waits while 1000 are in it
//
// Bounded. All of it may be called from any thread. What waits in it survives a stop() of the source.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "penstock/error.hpp"
#include "penstock/token.hpp"

namespace penstock {

template <class T>
class Queue {
 public:
  struct Item {
    T value;
    Token token;
  };

  // Throws Error when there is no place at all.
  explicit Queue(std::size_t places) : places_(places) {
    if (places == 0) throw Error("Queue(places): places must be at least 1");
  }

  // Waits for a place. Throws ClosedError. Not on the thread of the loop that takes from it.
  void push(T value, Token token = {}) {
    std::unique_lock lock(mutex_);
    has_place_.wait(lock, [this] { return closed_ || items_.size() < places_; });
    if (closed_) throw ClosedError("push() on a closed queue");
    put(std::move(lock), std::move(value), std::move(token));
  }

  // False when there is no place now: `value` is then as it was. Throws ClosedError.
  bool try_push(T& value, Token token = {}) {
    std::unique_lock lock(mutex_);
    if (closed_) throw ClosedError("try_push() on a closed queue");
    if (items_.size() >= places_) return false;
    put(std::move(lock), std::move(value), std::move(token));
    return true;
  }
  bool try_push(T&& value, Token token = {}) { return try_push(value, std::move(token)); }

  // No more elements: what is in it comes out, and then the stream ends.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    has_place_.notify_all();
    tell(std::move(lock));
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

  // ---- for from_queue() ----
  std::optional<Item> try_pop() {
    std::lock_guard lock(mutex_);
    if (items_.empty()) return std::nullopt;
    std::optional<Item> item(std::move(items_.front()));
    items_.pop_front();
    has_place_.notify_one();
    return item;
  }
  // True: nothing is in it, and nothing will come.
  bool at_end() const {
    std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }
  // Calls `listener` once, on any thread, when there is something to take or the queue was closed: at once
  // when it is so already. It takes the place of an earlier one.
  void when_ready(absl::AnyInvocable<void()> listener) {
    std::unique_lock lock(mutex_);
    listener_ = std::move(listener);
    if (closed_ || !items_.empty()) tell(std::move(lock));
  }

 private:
  void put(std::unique_lock<std::mutex> lock, T&& value, Token token) {
    items_.push_back({std::move(value), std::move(token)});
    tell(std::move(lock));
  }
  void tell(std::unique_lock<std::mutex> lock) {
    auto listener = std::exchange(listener_, nullptr);
    lock.unlock();
    if (listener) listener();
  }

  const std::size_t places_;
  mutable std::mutex mutex_;
  std::condition_variable has_place_;
  std::deque<Item> items_;
  bool closed_ = false;
  absl::AnyInvocable<void()> listener_;
};

}  // namespace penstock
