// Delivering what no emit waits for: elements that come out of a queue or a timer.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "penstock/detail/node.hpp"

namespace penstock::detail {

// Takes the value out of the first item of a queue with so many places; what stands beyond them
// holds the delivery of an emit that waits, and the first of these gets the place. The item leaves
// the queue even when moving its value throws, so that the others can go on.
template <class Queue>
auto take_front(Queue& queue, std::size_t places) {
  struct Leave {
    Queue& queue;
    std::size_t places;
    ~Leave() {
      queue.pop_front();
      if (queue.size() < places) return;
      const Delivery entered = std::move(queue[places - 1].delivery);
    }
  } leave{queue, places};
  return std::move(queue.front().value);
}

// Calls action(); what it throws obeys the node's policy.
template <class Action>
void guarded(NodeBase& node, Delivery& delivery, Action&& action) {
  try {
    action();
  } catch (...) {
    node.handle_error(std::current_exception(), delivery);
  }
}

// For a delivery that nobody waits for: in flight until it is over; its error goes to the graph.
inline void report_when_over(NodeBase& node, Delivery delivery) {
  std::move(delivery).finish([graph = node.graph(), flight = Flight(node.graph())](std::exception_ptr error) {
    if (error) graph->report(std::move(error));
  });
}

// Calls push(delivery) for an element with this token. Errors go to the graph. Returns true when the
// delivery was over at once; else `then` runs later, on the node's loop, unless the node is gone by then;
// the element is in flight until it has run.
template <class Push, class Then>
bool deliver(NodeBase& node, Token token, Push push, Then then) {
  Delivery delivery(std::move(token));
  guarded(node, delivery, [&] { push(delivery); });
  if (delivery.immediate()) {
    if (auto error = delivery.take_error()) node.graph()->report(std::move(error));
    return true;
  }
  auto loop = node.place().domain->shared_loop();
  auto over = node.while_alive(
      [then = std::move(then), flight = Flight(node.graph())]() mutable { then(); });
  std::move(delivery).finish([loop = std::move(loop),
                              over = std::move(over)](std::exception_ptr error) mutable {
    if (error) over.life()->graph()->report(std::move(error));
    loop->post(std::move(over));
  });
  return false;
}

// The delivery that a queue has in hand. An element that comes back with it, because the graph is a
// cycle, must not wait for the queue: the queue waits for it.
class InHand {
 public:
  template <class Push>
  void push(NodeBase& node, Delivery& delivery, Push& push) {
    pushed_ = &delivery;
    guarded(node, delivery, [&] { push(delivery); });
    pushed_ = nullptr;
    id_ = delivery.immediate() ? nullptr : delivery.id();
  }
  void over() { id_ = nullptr; }

  bool includes(const Delivery& delivery) const {
    return delivery.id() == (pushed_ != nullptr ? pushed_->id() : id_);
  }

 private:
  const Delivery* pushed_ = nullptr;  // while its push() runs
  const void* id_ = nullptr;          // while others hold it
};

// The same, and `in_hand` knows meanwhile.
template <class Push, class Then>
bool deliver(NodeBase& node, InHand& in_hand, Token token, Push push, Then then) {
  return deliver(
      node, std::move(token), [&](Delivery& delivery) { in_hand.push(node, delivery, push); },
      [&in_hand, then = std::move(then)]() mutable {
        in_hand.over();
        then();
      });
}

// Delivers what a node has gathered, one after the other, on behalf of nobody. Emits that bring more to the
// node meanwhile wait: so what it gathers is bounded.
class OneByOne {
 public:
  bool busy() const { return busy_; }

  // Of an element that the node has just kept.
  void wait_while_busy(Delivery& delivery) {
    if (!busy_ || in_hand_.includes(delivery)) return;
    if (!waiting_) waiting_ = std::make_unique<std::vector<Delivery>>();
    waiting_->push_back(delivery.hold());
  }

  // When it is not busy. As deliver(); `then` comes when the emits that waited have been let go.
  template <class Push, class Then>
  bool deliver(NodeBase& node, Token token, Push push, Then then) {
    busy_ = true;
    const bool delivered = detail::deliver(node, in_hand_, std::move(token), push,
                                           [this, then = std::move(then)]() mutable {
                                             over();
                                             then();
                                           });
    if (delivered) over();
    return delivered;
  }

 private:
  void over() {
    busy_ = false;
    std::exchange(waiting_, nullptr).reset();
  }

  InHand in_hand_;
  std::unique_ptr<std::vector<Delivery>> waiting_;  // seldom any
  bool busy_ = false;
};

}  // namespace penstock::detail
