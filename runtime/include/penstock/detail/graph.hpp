// What the nodes of one connected graph share: their life, the count of elements on their way, and
// the errors that no emit waits for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "penstock/detail/shared.hpp"

namespace penstock::detail {

class NodeBase;

// A count that is changed without a lock while it stays above zero. Between zero and one it changes with a
// lock of the owner's held, so that whoever holds that knows which of the two it is.
class Count {
 public:
  // False: it is zero.
  bool add_to_some() {
    auto now = count_.load(std::memory_order_relaxed);
    while (now > 0) {
      if (count_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  // False: it is one, or none.
  bool take_from_several() {
    auto now = count_.load(std::memory_order_relaxed);
    while (now > 1) {
      if (count_.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }

  // ---- with the lock ----
  bool any() const { return count_.load(std::memory_order_relaxed) > 0; }
  // True: it was zero.
  bool add() { return count_.fetch_add(1, std::memory_order_relaxed) == 0; }
  // True: it is zero now.
  bool take() { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  std::atomic<std::uint32_t> count_{0};  // each is something in memory
};

// One lock for the shape and the life of all graphs: they change rarely, and joining two of them needs
// both. Elements in a loop-free graph never take it.
std::mutex& shape_mutex();
// Another number after each change of an edge.
std::uint64_t shape_version();
void note_new_shape();  // with the lock held

// Joining two graphs makes one forward to the other, so a Graph object is only a name for its
// graph. Each name counts what was counted by it, and while that is not zero counts as one with the name it
// forwards to. Everything here is thread-safe.
//
// A graph lives while somebody holds it: a handle (Stream, Source, ...), a started source, or a
// callback that runs. With the last hold its nodes are destroyed; the Graph object itself may
// outlive them, so that a late timer finds out that there is nothing left to do.
class Graph : public Counted {
 public:
  using ErrorHandler = std::function<void(std::exception_ptr)>;
  using Waiter = absl::AnyInvocable<void(std::exception_ptr)>;

  static Shared<Graph> create();
  ~Graph();

  void add_node(const std::shared_ptr<NodeBase>& node);
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
  struct Nodes;
  struct Errors;

  Graph();
  Graph& root();     // with the lock held
  Errors& errors();  // the same; of the root
  bool acquire(bool only_if_alive);
  void release();
  // With the lock held. take_up() returns true when nothing of the whole graph is left.
  void add_up(Count Graph::* count);
  bool take_up(Count Graph::* count);

  std::uint32_t weight_ = 1;  // graphs that were joined into this one
  Count holds_;
  Count in_flight_;
  Shared<Graph> forward_;           // set when joined to another
  std::unique_ptr<Nodes> nodes_;    // of the root only
  std::unique_ptr<Errors> errors_;  // the same; most never have any, nor somebody who waits for them
};

// Keeps the nodes of a graph alive.
class GraphHold {
 public:
  GraphHold() = default;
  explicit GraphHold(Shared<Graph> graph);
  // Empty when the graph's last hold is gone already.
  static GraphHold if_alive(const Shared<Graph>& graph);

  GraphHold(const GraphHold& other);
  GraphHold(GraphHold&& other) noexcept : graph_(std::move(other.graph_)) {}
  GraphHold& operator=(GraphHold other) noexcept {
    std::swap(graph_, other.graph_);
    return *this;
  }
  ~GraphHold();

  explicit operator bool() const { return static_cast<bool>(graph_); }
  Graph& operator*() const { return *graph_; }
  Graph* operator->() const { return graph_.get(); }
  const Shared<Graph>& get() const { return graph_; }

 private:
  Shared<Graph> graph_;
};

// One element (or batch) in flight, for as long as it lives.
class Flight {
 public:
  Flight() = default;
  explicit Flight(Shared<Graph> graph) : graph_(std::move(graph)) {
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
  Shared<Graph> graph_;
};

}  // namespace penstock::detail
