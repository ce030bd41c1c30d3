// s.delay(interval): each element leaves `interval` after it came, so their spacing is kept. emit()
// does not wait, unless options.limit elements are on their way.
//
//   in   -1-2----3----|
//   out  ---1-2----3--|      delay(2)
//
// At most options.limit elements, 65,536, are on their way, with their tokens. While what is behind it is
// busy, the next ones wait; none is lost. The end comes after all elements. What is raised behind it goes to
// the graph's error handler and the next drain(). A limit of 0 throws Error.
#pragma once

#include <deque>

#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class DelayNode : public Operator<DelayNode<T>, T, T> {
 public:
  DelayNode(NodeBase::Place place, Duration interval, const DelayOptions& options)
      : Operator<DelayNode, T, T>(std::move(place), "delay"),
        interval_(interval),
        limit_(options.limit) {
    this->need_loop(options.loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    Item item{this->loop()->now() + interval_, keep<T>(std::forward<U>(value)), delivery.token(), {}};
    if (queue_.size() >= limit_ && !in_hand_.includes(delivery)) {
      item.delivery = delivery.hold();
    }
    queue_.push_back(std::move(item));
    wake();
  }

  void end_now(Delivery& delivery) override {
    if (!busy_) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
  }

 private:
  struct Item {
    TimePoint due;
    T value;
    Token token;
    Delivery delivery;  // of the emit that waits for a place
  };

  void wake() {
    if (busy_) return;
    busy_ = true;
    flight_ = Flight(this->graph());
    this->loop()->call_at(queue_.front().due, this->while_alive([this] { pump(); }));
  }

  void pump() {
    TimePoint now = this->loop()->now();
    while (!queue_.empty()) {
      if (queue_.front().due > now) now = this->loop()->now();  // one look for all that are due
      if (queue_.front().due > now) {
        this->loop()->call_at(queue_.front().due, this->while_alive([this] { pump(); }));
        return;
      }
      const bool delivered = deliver(
          *this, in_hand_, std::move(queue_.front().token),
          [&](Delivery& d) { this->push_down(take_front(queue_, limit_), d); },
          [this] { pump(); });
      if (!delivered) return;
    }
    busy_ = false;
    flight_ = {};
    if (!ended_) return;
    this->end_down(end_);
    end_ = {};
  }

  const Duration interval_;
  const std::size_t limit_;
  std::deque<Item> queue_;
  InHand in_hand_;
  bool busy_ = false;
  Flight flight_;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::delay(Interval interval) const {
  return delay(interval, DelayOptions{});
}

template <class T>
Stream<T> Stream<T>::delay(Interval interval, DelayOptions options) const {
  if (options.limit == 0) throw Error("delay(): limit must be at least 1");
  if (interval < Duration::zero()) throw Error("delay(): the interval must not be negative");
  return handle(attach<detail::DelayNode<T>>(interval, options));
}

}  // namespace penstock
