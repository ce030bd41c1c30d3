// The elements of one input that wait for those of the others.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/join.hpp"
#include "penstock/error.hpp"
#include "penstock/token.hpp"

namespace penstock::detail {

// A queue of `maxsize` places; what stands beyond them holds the delivery of an emit that waits.
template <class Part>
class Side {
 public:
  Side() = default;
  explicit Side(const Stream<Part>&) {}

  bool ended = false;  // no more will come

  bool empty() const { return items_.empty(); }
  bool is_over() const { return ended && items_.empty(); }

  // Throws Error when it would have to wait and cannot.
  template <class U>
  void push(U&& value, Delivery& delivery, std::size_t maxsize, bool can_wait) {
    const bool waits = items_.size() >= maxsize;
    if (waits && !can_wait) {
      throw Error("one input of a join is " + std::to_string(maxsize) +
                  " elements ahead of another, and without a loop its emit() cannot wait: give the "
                  "graph a loop ({.loop = ...}), or raise maxsize");
    }
    items_.push_back({keep<Part>(std::forward<U>(value)), delivery.token(), {}});
    if (waits) items_.back().delivery = delivery.hold();
  }

  Part&& front() { return std::move(items_.front().value); }
  Token take_token() { return items_.empty() ? Token() : std::move(items_.front().token); }

  // The front leaves, if there is one. Returns the delivery of the emit whose element has a place now.
  Delivery pop(std::size_t maxsize) {
    if (items_.empty()) return {};
    items_.pop_front();
    return items_.size() < maxsize ? Delivery() : std::move(items_[maxsize - 1].delivery);
  }

  void drop() { const auto dropped = std::exchange(items_, {}); }

 private:
  struct Item {
    Part value;
    Token token;
    Delivery delivery;
  };

  std::deque<Item> items_;
};

// Always the same value.
template <class V>
class Side<Literal<V>> {
 public:
  template <class A>
  explicit Side(const A& value) : value_(value) {}

  bool empty() const { return false; }
  bool is_over() const { return false; }
  V front() const { return value_; }
  Token take_token() { return {}; }
  Delivery pop(std::size_t) { return {}; }
  void drop() {}

 private:
  V value_;
};

}  // namespace penstock::detail
