// What the nodes of one connected graph share: their life, the count of elements on their way, and
// the errors that no emit waits for.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace penstock::detail {

class NodeBase;

// One lock for the shape and the life of all graphs: they change rarely, and joining two of them needs
// both. Elements in a loop-free graph never take it.
std::mutex& shape_mutex();

// Joining two graphs makes one forward to the other, so a Graph object is only a name for its
// graph. Everything here is thread-safe.
//
// A graph lives while somebody holds it: a handle (Stream, Source, ...), a started source, or a
// callback that runs. With the last hold its nodes are destroyed; the Graph object itself may
// outlive them, so that a late timer finds out that there is nothing left to do.
class Graph : public std::enable_shared_from_this<Graph> {
 public:
  using ErrorHandler = std::function<void(std::exception_ptr)>;
  using Waiter = absl::AnyInvocable<void(std::exception_ptr)>;

  static std::shared_ptr<Graph> create();
  ~Graph();

  void add_node(std::unique_ptr<NodeBase> node);
  // The node, which is in the graph no longer; null when it was not.
  std::shared_ptr<NodeBase> remove_node(NodeBase& node);
  // In the order in which they were made.
  std::vector<std::shared_ptr<NodeBase>> nodes();
  void join(Graph& other);

  // Elements that no running emit accounts for: in a queue, at a worker, waiting for a timer.
  void begin_flight();
  void end_flight();

  // An error that no emit waits for: goes to the handler and to the next drain.
  void report(std::exception_ptr error);
  void set_error_handler(ErrorHandler handler);

  // Calls `waiter` when nothing is in flight, with the first error reported since the last drain.
  // At once on this thread when nothing is in flight now.
  void when_drained(Waiter waiter);

 private:
  friend class GraphHold;
  struct State;

  Graph();
  Graph& root();  // with the lock held
  bool acquire(bool only_if_alive);
  void release();

  std::shared_ptr<Graph> forward_;  // set when joined to another
  std::unique_ptr<State> state_;    // of the root only
};

// Keeps the nodes of a graph alive.
class GraphHold {
 public:
  GraphHold() = default;
  explicit GraphHold(std::shared_ptr<Graph> graph);
  // Empty when the graph's last hold is gone already.
  static GraphHold if_alive(const std::shared_ptr<Graph>& graph);

  GraphHold(const GraphHold& other);
  GraphHold(GraphHold&& other) noexcept : graph_(std::move(other.graph_)) {}
  GraphHold& operator=(GraphHold other) noexcept {
    graph_.swap(other.graph_);
    return *this;
  }
  ~GraphHold();

  explicit operator bool() const { return graph_ != nullptr; }
  Graph& operator*() const { return *graph_; }
  Graph* operator->() const { return graph_.get(); }
  const std::shared_ptr<Graph>& get() const { return graph_; }

 private:
  std::shared_ptr<Graph> graph_;
};

// One element (or batch) in flight, for as long as it lives.
class Flight {
 public:
  Flight() = default;
  explicit Flight(std::shared_ptr<Graph> graph) : graph_(std::move(graph)) {
    graph_->begin_flight();
  }
  Flight(Flight&&) noexcept = default;
  Flight& operator=(Flight&& other) noexcept {
    if (graph_) graph_->end_flight();
    graph_ = std::move(other.graph_);
    return *this;
  }
  ~Flight() {
    if (graph_) graph_->end_flight();
  }

 private:
  std::shared_ptr<Graph> graph_;
};

}  // namespace penstock::detail
