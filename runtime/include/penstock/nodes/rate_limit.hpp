// s.rate_limit(interval): two elements never leave closer to each other than `interval`. emit() waits
// until its element has left.
//
//   in   -123----------4--|
//   out  -1---2---3----4--|
#pragma once

#include <deque>

#include "penstock/nodes/options.hpp"
#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

template <class T>
class RateLimitNode : public Operator<RateLimitNode<T>, T, T> {
 public:
  RateLimitNode(NodeBase::Place place, Duration interval, const LoopRef& loop)
      : Operator<RateLimitNode, T, T>(std::move(place), "rate_limit"),
        interval_(interval),
        loop_(loop) {}

  void start() override { this->need_loop(loop_); }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    const TimePoint now = this->loop()->now();
    if (waiting_.empty() && now >= next_) {
      next_ = now + interval_;
      this->push_down(std::forward<U>(value), delivery);
      return;
    }
    waiting_.push_back({std::forward<U>(value), delivery.hold()});
    if (waiting_.size() == 1) arm();
  }

 protected:
  void all_ended(Delivery& delivery) override {
    if (waiting_.empty()) return this->end_down(delivery);
    waiting_.push_back({std::nullopt, delivery.hold()});
  }

 private:
  struct Item {
    std::optional<T> value;  // none: the end of the stream
    Delivery delivery;
  };

  void arm() {
    this->loop()->call_at(next_, this->while_alive([this] { release_front(); }));
  }

  void release_front() {
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    next_ = this->loop()->now() + interval_;
    if (!waiting_.empty() && waiting_.front().value) arm();
    this->push_down(std::move(*item.value), item.delivery);
    if (!waiting_.empty() && !waiting_.front().value) {
      Item end = std::move(waiting_.front());
      waiting_.pop_front();
      this->end_down(end.delivery);
    }
  }

  const Duration interval_;
  const LoopRef loop_;
  TimePoint next_ = TimePoint::min();
  std::deque<Item> waiting_;  // as many as there are emits in progress
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::rate_limit(Duration interval) const {
  return rate_limit(interval, TimeOptions{});
}

template <class T>
Stream<T> Stream<T>::rate_limit(Duration interval, TimeOptions options) const {
  return handle(attach<detail::RateLimitNode<T>>(interval, options.loop));
}

}  // namespace penstock
