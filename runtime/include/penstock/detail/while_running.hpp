// What keeps a node while a coroutine of it runs on its loop.
#pragma once

#include <memory>
#include <utility>

#include "penstock/detail/node.hpp"

namespace penstock::detail {

// Stands in the coroutine's completion handler. A loop that goes first destroys that without calling it: then the node
// lets go of what waits for the coroutine, which would keep the graph otherwise, as the graph keeps the node.
template <class Node>
class WhileRunning {
 public:
  WhileRunning(Node& node, std::shared_ptr<NodeBase> self)
      : node_(&node), hold_(node.graph()), self_(std::move(self)) {}
  WhileRunning(WhileRunning&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)), hold_(std::move(other.hold_)), self_(std::move(other.self_)) {}
  WhileRunning& operator=(WhileRunning&&) = delete;
  ~WhileRunning() {
    if (node_ != nullptr) node_->dismantle();
  }

  // It has ended. The node stays as long as this object.
  Node& over() { return *std::exchange(node_, nullptr); }

 private:
  Node* node_;
  GraphHold hold_;
  std::shared_ptr<NodeBase> self_;
};

}  // namespace penstock::detail
