// s.buffer(n): a queue of n elements between what is before and what is behind it. emit() returns
// when the element is in the queue, and waits only while there is no free place. In a cycle, what
// comes back to the buffer that it left does not wait.
//
//   in   -1-2-3------4--|
//   out  --1---2---3---4---|      behind it a slow sink
//
// The queue holds the tokens of its elements, and drain() waits for them. What is raised behind it goes to
// the graph's error handler and the next drain(). buffer(0) throws Error.
#pragma once

#include <deque>

#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class BufferNode : public Operator<BufferNode<T>, T, T> {
 public:
  BufferNode(NodeBase::Place place, std::size_t places, const LoopRef& loop)
      : Operator<BufferNode, T, T>(std::move(place), "buffer"), places_(places) {
    this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    if (queue_.size() < places_ || in_hand_.includes(delivery)) {
      queue_.push_back({keep<T>(std::forward<U>(value)), delivery.token(), {}});
    } else {
      queue_.push_back({keep<T>(std::forward<U>(value)), delivery.token(), delivery.hold()});
    }
    wake();
  }

  void end_now(Delivery& delivery) override {
    if (!busy_) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
  }

 private:
  struct Item {
    T value;
    Token token;
    Delivery delivery;  // of the emit that waits for a place
  };

  // Delivers from a callback of its own: the emit that filled the queue does not wait for it.
  void wake() {
    if (busy_) return;
    busy_ = true;
    flight_ = Flight(this->graph());
    this->loop()->post(this->while_alive([this] { pump(); }));
  }

  void pump() {
    while (!queue_.empty()) {
      const bool delivered = deliver(
          *this, in_hand_, std::move(queue_.front().token),
          [&](Delivery& d) { this->push_down(take_front(queue_, places_), d); },
          [this] { pump(); });
      if (!delivered) return;
    }
    busy_ = false;
    flight_ = {};
    if (!ended_) return;
    this->end_down(end_);
    end_ = {};
  }

  const std::size_t places_;
  std::deque<Item> queue_;  // beyond `places_`, as many as there are emits in progress
  InHand in_hand_;
  bool busy_ = false;
  Flight flight_;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::buffer(std::size_t n) const {
  return buffer(n, TimeOptions{});
}

template <class T>
Stream<T> Stream<T>::buffer(std::size_t n, TimeOptions options) const {
  if (n == 0) throw Error("buffer(n): n must be at least 1");
  return handle(attach<detail::BufferNode<T>>(n, options.loop));
}

}  // namespace penstock
