// s.timed_window(interval): every `interval`, all elements that came since the last time, as a vector.
//
//   in   -1--2-3------4-|
//   out  -----[1,2,3]-----[4]|
//
// Times are multiples of the interval from the moment the node was made, without drift. While the
// previous window is still being delivered, emit() waits and the next window grows. The end of the
// stream emits what is left. Without emit_empty nothing is emitted when nothing came.
#pragma once

#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

template <class T>
class TimedWindowNode : public Operator<TimedWindowNode<T>, T, std::vector<T>> {
 public:
  TimedWindowNode(NodeBase::Place place, Duration interval, const TimedWindowOptions& options)
      : Operator<TimedWindowNode, T, std::vector<T>>(std::move(place), "timed_window"),
        interval_(interval),
        options_(options) {}

  void start() override {
    Loop& loop = this->need_loop(options_.loop);
    next_ = loop.now() + interval_;
    loop.post(this->while_alive([this] { arm(); }));
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    if (window_.empty()) flight_ = Flight(this->graph());
    window_.push_back(std::forward<U>(value));
    if (delivering_) waiting_.push_back(delivery.hold());
  }

 protected:
  void all_ended(Delivery& delivery) override {
    this->loop()->cancel(timer_);
    ended_ = true;
    if (delivering_) {
      end_ = delivery.hold();
    } else {
      finish(delivery);
    }
  }

 private:
  void arm() {
    if (!ended_) timer_ = this->loop()->call_at(next_, this->while_alive([this] { tick(); }));
  }

  void tick() {
    // A loop that was held up skips the times it missed: the next one is ahead and aligned.
    const TimePoint now = this->loop()->now();
    next_ += interval_ * ((now - next_) / interval_ + 1);
    if (!delivering_ && (options_.emit_empty || !window_.empty())) emit_window();
    arm();
  }

  void emit_window() {
    delivering_ = true;
    const bool delivered = deliver(
        *this,
        [&, window = std::exchange(window_, {}), flight = std::move(flight_)](Delivery& d) mutable {
          this->push_down(std::move(window), d);
        },
        [this] { delivered_now(); });
    if (delivered) delivered_now();
  }

  void delivered_now() {
    delivering_ = false;
    waiting_.clear();
    if (ended_) finish(end_);
  }

  void finish(Delivery& delivery) {
    if (!window_.empty()) this->push_down(std::exchange(window_, {}), delivery);
    flight_ = {};
    this->end_down(delivery);
    end_ = {};
  }

  const Duration interval_;
  const TimedWindowOptions options_;
  TimePoint next_{};
  Loop::Timer timer_;
  std::vector<T> window_;
  Flight flight_;  // while the window is not empty
  bool delivering_ = false;
  std::vector<Delivery> waiting_;  // emits that wait for the previous window
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<std::vector<T>> Stream<T>::timed_window(Duration interval) const {
  return timed_window(interval, TimedWindowOptions{});
}

template <class T>
Stream<std::vector<T>> Stream<T>::timed_window(Duration interval, TimedWindowOptions options) const {
  if (interval <= Duration::zero()) throw Error("timed_window(): the interval must be positive");
  return handle(attach<detail::TimedWindowNode<T>>(interval, options));
}

}  // namespace penstock
