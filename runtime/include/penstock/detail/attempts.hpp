// Elements of a node whose policy wants more than their exception: to try them again, or to pass them on
// with the error. Tried in order: while one waits for its next attempt, those behind it wait too.
#pragma once

#include <any>
#include <deque>
#include <exception>
#include <optional>

#include "penstock/detail/delivery.hpp"

namespace penstock::detail {

class NodeBase;
class Upstreams;

// Of one inlet, on its node's thread only. Knows no types: it is made only when something fails, and would
// else be compiled for each node.
class Attempts {
 public:
  // Gives the element to the inlet's node once more; what it throws is an error.
  using Receive = void (*)(Upstreams& inlet, const std::any& element, Delivery& delivery);

  Attempts(Upstreams& inlet, Receive receive) : inlet_(inlet), receive_(receive) {}

  // An element waits for its next attempt.
  bool busy() const { return !waiting_.empty(); }

  // The first attempt of an element failed, when not busy.
  void failed(std::exception_ptr error, std::any element, Delivery& delivery);
  // An element comes behind those that wait.
  void take(std::any element, Delivery& delivery);
  // True: the end of the stream waits behind an element, and comes through Upstreams::end_now().
  bool hold_back_end(Delivery& delivery);

 private:
  struct Item {
    std::optional<std::any> element;  // none: the end
    Delivery delivery;
    unsigned failed;
  };

  std::exception_ptr attempt(const std::any& element, Delivery& delivery);
  void wait();
  void go_on();

  Upstreams& inlet_;
  const Receive receive_;
  std::deque<Item> waiting_;  // the first for its pause, the others for it
};

}  // namespace penstock::detail
