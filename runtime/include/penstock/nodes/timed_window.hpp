// s.timed_window(interval): every `interval`, all elements that came since the last time, as a vector.
//
//   in   -1--2-3------4---|
//   out  ----------[1,2,3][4]|      timed_window(10)
//
// Times are multiples of the interval from the moment the node was made, without drift. While the
// previous window is still being delivered, emit() waits and the next window grows. The end of the
// stream emits what is left. Without emit_empty nothing is emitted when nothing came, and no timer runs
// while the window is empty: idle streams cost no time.
//
// A window carries the tokens of its elements. drain() waits for the window that has elements, and for what
// is behind it. What is raised there goes to the graph's error handler and the next drain(). An interval
// that is not positive throws Error.
#pragma once

#include "penstock/detail/batch.hpp"
#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

// Elements says which of them a window keeps.
template <class T, class Elements = AllElements<T>>
class TimedWindowNode : public Operator<TimedWindowNode<T, Elements>, T, std::vector<T>> {
 public:
  TimedWindowNode(NodeBase::Place place, Duration interval, const TimedWindowOptions& options,
                  Elements window = {})
      : Operator<TimedWindowNode, T, std::vector<T>>(std::move(place), "timed_window"),
        interval_(interval),
        window_(std::move(window)),
        emit_empty_(options.emit_empty) {
    next_ = this->need_loop(options.loop).now() + interval_;
  }

  void start() override {
    if (emit_empty_) this->loop()->post(this->while_alive([this] { arm_if_needed(); }));
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    const bool was_empty = window_.size() == 0;
    if (!window_.add(*this, std::forward<U>(value), delivery)) return;
    if (was_empty) flight_ = Flight(this->graph());
    windows_.wait_while_busy(delivery);
    if (finished_ || !ended_) arm();
  }

  void end_now(Delivery& delivery) override {
    if (armed_) this->loop()->cancel(timer_);
    armed_ = false;
    ended_ = true;
    if (windows_.busy()) {
      end_ = std::make_unique<Delivery>(delivery.hold());
    } else {
      finish(delivery);
    }
  }

 private:
  // For the next multiple of the interval: a loop that was held up skips the times it missed, and one
  // that slept those that nobody asked for.
  void arm() {
    if (armed_) return;
    armed_ = true;
    const TimePoint now = this->loop()->now();
    if (next_ <= now) next_ += interval_ * ((now - next_) / interval_ + 1);
    timer_ = this->loop()->call_at(next_, this->while_alive([this] { tick(); }));
  }

  void tick() {
    armed_ = false;
    if (!windows_.busy() && (emit_empty_ || window_.size() > 0)) emit_window();
    arm_if_needed();
  }

  // After the end there are windows only for what a cycle brings back.
  void arm_if_needed() {
    if (window_.size() > 0 || (emit_empty_ && !ended_)) arm();
  }

  void emit_window() {
    Batch<T> window = window_.take();
    const auto flight = std::move(flight_);
    const bool delivered = windows_.deliver(
        *this, std::move(window.token),
        [&](Delivery& d) { this->push_down(std::move(window.elements), d); },
        [this] { delivered_now(); });
    if (delivered) delivered_now();
  }

  void delivered_now() {
    if (!ended_) return;
    if (!finished_) return finish(*end_);
    arm_if_needed();
  }

  void finish(Delivery& delivery) {
    finished_ = true;
    const auto flight = std::move(flight_);
    if (window_.size() > 0) {
      Batch<T> window = window_.take();
      const WithToken all(delivery, std::move(window.token));
      this->push_down(std::move(window.elements), delivery);
    }
    this->end_down(delivery);
    end_ = nullptr;
  }

  const Duration interval_;
  TimePoint next_{};
  Loop::Timer timer_;
  Elements window_;
  Flight flight_;                  // while the window is not empty
  std::unique_ptr<Delivery> end_;  // while it waits for a window
  [[no_unique_address]] OneByOne windows_;  // the next four fit into its padding: very many may be idle
  const bool emit_empty_;
  bool armed_ = false;
  bool ended_ = false;
  bool finished_ = false;  // the end has gone on
};

}  // namespace detail

template <class T>
Stream<std::vector<T>> Stream<T>::timed_window(Interval interval) const {
  return timed_window(interval, TimedWindowOptions{});
}

template <class T>
Stream<std::vector<T>> Stream<T>::timed_window(Interval interval, TimedWindowOptions options) const {
  if (interval <= Duration::zero()) throw Error("timed_window(): the interval must be positive");
  return handle(attach<detail::TimedWindowNode<T>>(interval, options));
}

}  // namespace penstock
