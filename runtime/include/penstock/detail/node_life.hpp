// What is left of a node when it was destroyed: for handles, timers and callbacks that come later.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/export.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/detail/loop_domain.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

class NodeBase;

// Where a node belongs.
struct Place {
  Shared<Graph> graph;
  Shared<LoopDomain> domain;

  static Place fresh() { return {Graph::create(), Shared(new LoopDomain)}; }
};

// Belongs to one node, and outlives it while a handle or a callback needs it. Any thread, unless it says
// otherwise.
class NodeLife : public Counted {
 public:
  NodeLife(Place place, const char* kind);
  ~NodeLife();

  // Different for all nodes of the process, and larger for a later one.
  std::uint64_t id() const { return id_; }
  const Place& place() const { return place_; }
  const Shared<Graph>& graph() const { return place_.graph; }
  [[gnu::always_inline]] Loop* loop() const { return place_.domain->loop(); }

  const char* kind() const { return kind_; }
  std::string name() const;  // the kind, unless it was named
  void set_name(std::string name);

  // Nothing goes in or out any more; the node itself may be there for a while.
  bool destroyed() const { return (state() & kDestroyed) != 0; }
  // True for the first call.
  bool destroy() { return (state_.fetch_or(kDestroyed) & kDestroyed) == 0; }

  // A source that has ended.
  bool closed() const { return (state() & kClosed) != 0; }
  // True for the first call.
  bool close() { return (state_.fetch_or(kClosed) & kClosed) == 0; }

  // Nothing can be emitted here any more: closed, or destroyed.
  [[gnu::always_inline]] bool refuses() const { return state() != 0; }

  // Whether destroy() may be called, and what becomes of errors: the node's own, kept here where there is room.
  bool can_be_destroyed() const { return can_be_destroyed_; }
  void cannot_be_destroyed() { can_be_destroyed_ = false; }  // when it is made
  ErrorPolicy::Kind error_kind() const { return error_kind_; }
  void set_error_kind(ErrorPolicy::Kind kind) { error_kind_ = kind; }

  // Keeps the node. Null when it was destroyed.
  std::shared_ptr<NodeBase> pin() const { return destroyed() ? nullptr : node_.lock(); }
  void set_node(std::weak_ptr<NodeBase> node) { node_ = std::move(node); }  // once, before all else

  // Those of its timers that wait. They are cancelled when the node is destroyed. On the loop's thread only.
  OwnTimers& timers() { return timers_; }
  void cancel_timers(Loop& loop) { loop.cancel_all_of(timers_); }
  // The same when the graph is gone: a timer keeps what its callback holds, and the loop. Any thread.
  static void abandon_timers(const Shared<NodeLife>& life);

 private:
  static constexpr std::uint8_t kClosed = 1;
  static constexpr std::uint8_t kDestroyed = 2;

  static std::uint64_t next_id();
  [[gnu::always_inline]] std::uint8_t state() const { return state_.load(std::memory_order_acquire); }

  std::atomic<std::uint8_t> state_{0};
  std::atomic<ErrorPolicy::Kind> error_kind_{ErrorPolicy::Kind::kRaise};
  bool can_be_destroyed_ = true;
  const std::uint64_t id_ = next_id();
  const Place place_;
  std::weak_ptr<NodeBase> node_;
  const char* const kind_;
  std::unique_ptr<const std::string> name_;  // one lock for all names: they are seldom asked for
  OwnTimers timers_;
};

// Throws DestroyedError.
void check_not_destroyed(const NodeLife& life);

// A callback for the loop that does nothing when its node was destroyed, or its graph is gone, by then.
template <class F>
class WhileAlive {
 public:
  WhileAlive(Shared<NodeLife> life, F function)
      : life_(std::move(life)), function_(std::move(function)) {}

  void operator()() {
    const auto hold = GraphHold::if_alive(life_->graph());
    if (hold && !life_->destroyed()) function_();
  }
  const Shared<NodeLife>& life() const { return life_; }

 private:
  Shared<NodeLife> life_;
  F function_;
};

// An emit without a loop is in progress on this thread, for as long as it lives: what is destroyed
// meanwhile is not freed before it is over.
class InlineEmit {
 public:
  // Stores constants, with a branch for the outermost: a counter would chain every emit to the one before.
  InlineEmit() : outermost_(!current.in_progress) {
    if (outermost_) [[likely]] current.in_progress = true;
  }
  ~InlineEmit() {
    if (!outermost_) [[unlikely]] return;
    current.in_progress = false;
    if (current.any_retired) [[unlikely]] free_retired();
  }
  InlineEmit(const InlineEmit&) = delete;
  InlineEmit& operator=(const InlineEmit&) = delete;

 private:
  friend void retire(std::shared_ptr<NodeBase> node);
  friend void free_nodes(std::vector<std::shared_ptr<NodeBase>> nodes);
  struct State {
    bool in_progress = false;
    bool any_retired = false;
  };
  static void free_retired();

  PENSTOCK_EXPORT static constinit thread_local State current;

  const bool outermost_;
};

// Frees a node that is out of its graph when no callback and no element can be in it any more: after the
// emits in progress on this thread, and then in a callback of its own when it has a loop.
void retire(std::shared_ptr<NodeBase> node);

// Frees the nodes of a graph that nobody holds any more; after the emits in progress on this thread, which
// may have dropped the last handle.
void free_nodes(std::vector<std::shared_ptr<NodeBase>> nodes);

}  // namespace penstock::detail

namespace penstock {

template <class F>
Loop::Timer Loop::call_at(TimePoint at, detail::WhileAlive<F> callback) {
  detail::OwnTimers& own = callback.life()->timers();  // the callback holds them
  return call_at(at, Callback(std::move(callback)), &own);
}

}  // namespace penstock
