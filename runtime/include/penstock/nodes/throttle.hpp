// s.throttle(interval): passes an element at once and drops those that come less than `interval` after it.
//
//   in   -1-23-----4-5--|
//   out  -1--------4----|      throttle(5)
//
// Nothing is kept for later, so the last elements may be lost; the newest at a limited rate comes out of
// s.latest().rate_limit(interval). emit() of an element that passes waits for downstream and throws what is
// raised there; that of the others returns at once, and their tokens are released. A negative interval
// throws Error.
#pragma once

#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class ThrottleNode : public Operator<ThrottleNode<T>, T, T> {
 public:
  ThrottleNode(NodeBase::Place place, Duration interval, const LoopRef& loop)
      : Operator<ThrottleNode, T, T>(std::move(place), "throttle"),
        interval_(interval) {
    this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    const TimePoint now = this->loop()->now();
    if (now < next_) return;
    next_ = now + interval_;
    this->push_down(std::forward<U>(value), delivery);
  }

 private:
  const Duration interval_;
  TimePoint next_ = TimePoint::min();
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::throttle(Interval interval, TimeOptions options) const {
  if (interval < Duration::zero()) throw Error("throttle(): the interval must not be negative");
  return handle(attach<detail::ThrottleNode<T>>(interval, options.loop));
}

}  // namespace penstock
