// s.rate_limit(interval): two elements never leave closer to each other than `interval`. emit() waits
// until its element has left.
//
//   in   -123----------4--|
//   out  -1---2---3----4--|      rate_limit(4)
//
// As many elements wait as there are emits in progress, in the order of the calls: it is the emits that are
// slowed down. Their tokens are held until then. What is raised behind it reaches the emit() that waits. A
// negative interval throws Error.
#pragma once

#include <list>

#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class RateLimitNode : public Operator<RateLimitNode<T>, T, T> {
 public:
  RateLimitNode(NodeBase::Place place, Duration interval, const LoopRef& loop)
      : Operator<RateLimitNode, T, T>(std::move(place), "rate_limit"),
        interval_(interval) {
    this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    const TimePoint now = this->loop()->now();
    if (waiting_.empty() && now >= next_) {
      next_ = now + interval_;
      this->push_down(std::forward<U>(value), delivery);
      return;
    }
    waiting_.push_back({keep<T>(std::forward<U>(value)), delivery.hold()});
    arm();
  }

  void end_now(Delivery& delivery) override {
    if (waiting_.empty()) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
  }

 private:
  struct Item {
    T value;
    Delivery delivery;
  };

  void arm() {
    if (armed_) return;
    armed_ = true;
    this->loop()->call_at(next_, this->while_alive([this] {
      armed_ = false;
      release_front();
    }));
  }

  void release_front() {
    std::list<Item> front;
    front.splice(front.begin(), waiting_, waiting_.begin());
    Delivery delivery = std::move(front.front().delivery);
    next_ = this->loop()->now() + interval_;
    guarded(*this, delivery, [&] { this->push_down(T(std::move(front.front().value)), delivery); });
    if (!waiting_.empty()) return arm();
    if (!ended_) return;
    this->end_down(end_);
    end_ = {};
  }

  const Duration interval_;
  TimePoint next_ = TimePoint::min();
  std::list<Item> waiting_;  // as many as there are emits in progress; without memory while it is idle
  bool armed_ = false;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::rate_limit(Interval interval) const {
  return rate_limit(interval, TimeOptions{});
}

template <class T>
Stream<T> Stream<T>::rate_limit(Interval interval, TimeOptions options) const {
  if (interval < Duration::zero()) throw Error("rate_limit(): the interval must not be negative");
  return handle(attach<detail::RateLimitNode<T>>(interval, options.loop));
}

}  // namespace penstock
