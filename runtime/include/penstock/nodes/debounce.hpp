// s.debounce(interval): an element comes out when no other has come for `interval` after it; the others are
// dropped. emit() never waits.
//
//   in   -1-2-3--------4----5-|
//   out  ---------3--------4--5|      debounce(4)
//
// While what is behind it is busy, an element whose interval is over waits for it, and is dropped when a
// newer one comes meanwhile. The end of the stream emits the last one at once. The token of a dropped element
// is released at once. What is raised behind it goes to the graph's error handler and the next drain().
// debounce(0) passes the last of a burst; a negative interval throws Error.
#pragma once

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/newest.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class DebounceNode : public Operator<DebounceNode<T>, T, T> {
 public:
  DebounceNode(NodeBase::Place place, Duration interval, const LoopRef& loop)
      : Operator<DebounceNode, T, T>(std::move(place), "debounce"),
        interval_(interval) {
    this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    T kept = keep<T>(std::forward<U>(value));
    due_ = this->loop()->now() + interval_;
    if (!busy_) {
      busy_ = true;
      flight_ = Flight(this->graph());
      arm();
    }
    newest_.set(std::move(kept), delivery.token());
  }

  void end_now(Delivery& delivery) override {
    if (!busy_) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
    if (!armed_) return;
    this->loop()->cancel(timer_);
    pump();
  }

 private:
  // One timer for a whole burst: when it runs, `due_` may have moved on.
  void arm() {
    armed_ = true;
    timer_ = this->loop()->call_at(due_, this->while_alive([this] { pump(); }));
  }

  void pump() {
    armed_ = false;
    while (newest_) {
      if (!ended_ && this->loop()->now() < due_) return arm();
      const bool delivered = deliver(
          *this, newest_.take_token(), [&](Delivery& d) { this->push_down(newest_.take(), d); },
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
  Newest<T> newest_;
  TimePoint due_{};  // of the newest
  bool busy_ = false;
  bool armed_ = false;
  Loop::Timer timer_;
  Flight flight_;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::debounce(Interval interval, TimeOptions options) const {
  if (interval < Duration::zero()) throw Error("debounce(): the interval must not be negative");
  return handle(attach<detail::DebounceNode<T>>(interval, options.loop));
}

}  // namespace penstock
