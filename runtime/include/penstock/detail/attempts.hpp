// Elements of a node whose policy wants more than their exception: to try them again, or to pass them on
// with the error. Tried in order: while one waits for its next attempt, those behind it wait too.
#pragma once

#include <any>
#include <deque>
#include <optional>
#include <utility>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/passing.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// Node is a NodeBase with receive(const T&, delivery). On the node's thread only.
template <class Node, class T>
class Attempts {
 public:
  explicit Attempts(Node& node) : node_(node) {}

  void take(T element, Delivery& delivery) {
    if (!waiting_.empty()) {
      waiting_.push_back({std::move(element), delivery.hold(), 0});
      return;
    }
    for (unsigned failed = 0;;) {
      auto error = attempt(element, delivery);
      if (!error) return;
      ++failed;
      if (failed > node_.retry().times) return give_up(std::move(error), element, delivery);
      if (node_.retry().pause == Duration::zero()) continue;
      waiting_.push_back({std::move(element), delivery.hold(), failed});
      return wait();
    }
  }

  // True: the end of the stream waits behind an element, and comes through end().
  bool hold_back_end(Delivery& delivery) {
    if (waiting_.empty()) return false;
    waiting_.push_back({std::nullopt, delivery.hold(), 0});
    return true;
  }

 private:
  struct Item {
    std::optional<T> element;  // none: the end
    Delivery delivery;
    unsigned failed;
  };

  std::exception_ptr attempt(const T& element, Delivery& delivery) {
    return node_.caught([&] { node_.receive(element, delivery); });
  }

  void give_up(std::exception_ptr error, const T& element, Delivery& delivery) {
    node_.give_up(std::move(error), std::any(element), delivery);
  }

  // The pause doubles with every attempt.
  void wait() {
    const auto doublings = std::min(waiting_.front().failed - 1, 20U);
    node_.loop()->call_at(node_.loop()->now() + node_.retry().pause * (1U << doublings),
                          node_.while_alive([this] { go_on(); }));
  }

  void go_on() {
    while (!waiting_.empty()) {
      Item& item = waiting_.front();
      if (item.element) {
        if (auto error = attempt(*item.element, item.delivery)) {
          if (++item.failed <= node_.retry().times) return wait();
          give_up(std::move(error), *item.element, item.delivery);
        }
      } else {
        node_.end_now(item.delivery);
      }
      const Item done = std::move(item);  // let go last: its emit may emit again
      waiting_.pop_front();
    }
  }

  Node& node_;
  std::deque<Item> waiting_;  // the first for its pause, the others for it
};

}  // namespace penstock::detail
