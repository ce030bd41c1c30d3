// s.latest(): while what is behind it is busy, only the newest element is kept; the others are dropped.
// emit() never waits. The last element always comes out, also at the end of the stream.
//
//   in   -1-2-3-4-5------|
//   out  -1----3----5----|      behind it a slow sink
//
// The token of a dropped element is released at once. drain() waits for the newest, and so does the end.
// What is raised behind it goes to the graph's error handler and the next drain().
#pragma once

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/newest.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class LatestNode : public Operator<LatestNode<T>, T, T> {
 public:
  LatestNode(NodeBase::Place place, const LoopRef& loop)
      : Operator<LatestNode, T, T>(std::move(place), "latest") {
    this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    newest_.set(keep<T>(std::forward<U>(value)), delivery.token());
    wake();
  }

  void end_now(Delivery& delivery) override {
    if (!busy_) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
  }

 private:
  // Delivers from a callback of its own: the emit does not wait for it.
  void wake() {
    if (busy_) return;
    busy_ = true;
    flight_ = Flight(this->graph());
    this->loop()->post(this->while_alive([this] { pump(); }));
  }

  void pump() {
    while (newest_) {
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

  Newest<T> newest_;
  bool busy_ = false;
  Flight flight_;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::latest(TimeOptions options) const {
  return handle(attach<detail::LatestNode<T>>(options.loop));
}

}  // namespace penstock
