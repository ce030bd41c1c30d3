// Delivering what no emit waits for: elements that come out of a queue or a timer.
#pragma once

#include <utility>

#include "penstock/detail/node.hpp"

namespace penstock::detail {

// Calls push(delivery). Errors go to the graph. Returns true when the delivery was over at once;
// else `then` runs later, on the node's loop, unless the graph is gone by then.
template <class Push, class Then>
bool deliver(NodeBase& node, Push push, Then then) {
  Delivery delivery;
  push(delivery);
  if (delivery.immediate()) {
    if (auto error = delivery.take_error()) node.graph()->report(std::move(error));
    return true;
  }
  auto loop = node.place().domain->shared_loop();
  std::move(delivery).finish([graph = node.graph(), loop = std::move(loop),
                              then = std::move(then)](std::exception_ptr error) mutable {
    if (error) graph->report(std::move(error));
    loop->post([graph = std::move(graph), then = std::move(then)]() mutable {
      if (auto hold = GraphHold::if_alive(graph)) then();
    });
  });
  return false;
}

}  // namespace penstock::detail
