// Stream<T>: a handle to a node that emits elements of type T.
//
//   penstock::Stream<int> source;
//   source.map([](int x) { return x + 1; }).sink([](int x) { std::cout << x << '\n'; });
//   source.emit(1);                                   // prints 2 before it returns
//
// Elements are pushed, depth first, to every downstream in the order in which it was connected. emit()
// returns when the element has left the last sink or has been taken by a node that decouples (buffer,
// delay, scatter, ...); a slow node makes it wait: that is the back-pressure.
//
// Threads. A graph without time, awaitable functions or {.loop = ...} needs no loop: emit() runs on the
// caller's thread, one caller at a time, and allocates nothing. With a loop, all of its nodes run on
// that loop and emit() may be called from any other thread. Two different loops in one graph throw
// LoopError when they meet.
//
// Ownership. Handles are cheap to copy. A graph lives as long as a handle to any of its nodes or a
// started source in it. A function that keeps a handle to its own graph keeps it alive for ever.
//
// Errors. What a function throws obeys its node's ErrorPolicy (failure.hpp).
#pragma once

#include <asio/async_result.hpp>
#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/system_executor.hpp>
#include <asio/use_awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/local_call.hpp"
#include "penstock/detail/node.hpp"
#include "penstock/detail/waiter.hpp"
#include "penstock/error.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"

namespace penstock {

template <class T>
class DistributedStream;
class Client;
struct ScatterOptions;
struct GatherOptions;
struct PartitionOptions;
struct DelayOptions;
struct TimedWindowOptions;
struct TimeOptions;
template <class T>
class VectorSink;

// Selects the accumulate() whose function returns {state, output}.
struct ReturnsState {};
inline constexpr ReturnsState returns_state{};

// Any node. Stream<T> and what sink() returns derive from it.
class NodeHandle {
 public:
  NodeHandle(detail::GraphHold hold, detail::NodeBase* node) : hold_(std::move(hold)), node_(node) {}

  std::string name() const { return node_->name(); }

  // Calls `handler` with every error that no emit waits for, on the thread where it came up. It
  // must not throw.
  void set_error_handler(std::function<void(std::exception_ptr)> handler) const {
    hold_->set_error_handler(std::move(handler));
  }

  // Waits until everything that was emitted into this graph has left its last sink or failed; throws
  // the first error that no emit reported since the last drain. Partial partitions wait for close().
  // Throws LoopError on the loop's own thread: use async_drain() there.
  void drain() const;

  // The same with a completion token: void(std::exception_ptr).
  template <class Token = asio::use_awaitable_t<>>
  auto async_drain(Token&& token = {}) const;

 protected:
  detail::NodeBase& node() const { return *node_; }
  void apply(ErrorPolicy policy);

  detail::GraphHold hold_;
  detail::NodeBase* node_;

  friend class ErrorPolicy;
};

// What the sinks return: keeps the pipeline alive.
class Sink : public NodeHandle {
 public:
  using NodeHandle::NodeHandle;
  Sink& on_error(ErrorPolicy policy) {
    apply(std::move(policy));
    return *this;
  }
  Sink& named(std::string name) {
    node().set_name(std::move(name));
    return *this;
  }
};

template <class T>
class Stream : public NodeHandle {
 public:
  using Element = T;

  // A source: elements come from emit(). Its loop is that of the first node that needs one.
  Stream();
  // A source on this loop.
  explicit Stream(const LoopRef& loop);

  // Sends the element down the graph and blocks while a node waits. Throws what a node raised,
  // LoopError on the graph's own loop, ClosedError after close().
  void emit(T value) const;

  // The same without blocking: completes with void(std::exception_ptr) when emit() would return.
  // Elements enter the graph in the order of the calls. Any Asio completion token. The graph lives
  // until then.
  template <class Token = asio::use_awaitable_t<>>
  auto async_emit(T value, Token&& token = {}) const;

  // Ends this source: partial windows and partitions are flushed and downstream ends. Waits like
  // emit(). Closing twice is harmless.
  void close() const;
  template <class Token = asio::use_awaitable_t<>>
  auto async_close(Token&& token = {}) const;

  // Makes `other` a downstream: elements of this stream enter its node. A source passes them on as
  // if they were emitted there. Cycles are allowed.
  void connect(const Stream& other) const;

  Stream& on_error(ErrorPolicy policy) {
    apply(std::move(policy));
    return *this;
  }
  Stream& named(std::string name) {
    node().set_name(std::move(name));
    return *this;
  }

  // Applies an operator of one's own: op(stream).
  template <class Op>
  auto pipe(Op&& op) const {
    return std::invoke(std::forward<Op>(op), *this);
  }

  // ---- nodes, each documented in nodes/<name>.hpp ----
  template <class F, class... Extra>
  auto map(F function, Extra... extra) const;
  template <class F, class... Extra>
  auto starmap(F function, Extra... extra) const;
  template <class F>
  Stream filter(F predicate) const;
  template <class F>
  auto accumulate(F function) const;
  template <class F, class State>
  auto accumulate(F function, State start) const;
  template <class F, class State>
  auto accumulate(F function, State start, ReturnsState) const;
  auto flatten() const;
  Stream<std::vector<T>> partition(std::size_t n) const;
  Stream<std::vector<T>> partition(std::size_t n, PartitionOptions options) const;
  Stream buffer(std::size_t n) const;
  Stream buffer(std::size_t n, TimeOptions options) const;
  Stream rate_limit(Duration interval) const;
  Stream rate_limit(Duration interval, TimeOptions options) const;
  Stream delay(Duration interval) const;
  Stream delay(Duration interval, DelayOptions options) const;
  Stream<std::vector<T>> timed_window(Duration interval) const;
  Stream<std::vector<T>> timed_window(Duration interval, TimedWindowOptions options) const;
  template <class F, class... Extra>
  Sink sink(F function, Extra... extra) const;
  VectorSink<T> sink_to_vector() const;

  // ---- to the cluster and back; defined in distributed_stream.hpp ----
  DistributedStream<T> scatter() const;
  DistributedStream<T> scatter(const Client& client) const;
  DistributedStream<T> scatter(const Client& client, ScatterOptions options) const;
  // This stream is local already: one pipeline text works with and without scatter().
  const Stream& gather() const { return *this; }

  // ---- for nodes ----
  Stream(detail::GraphHold hold, detail::Outlet<T>* outlet)
      : NodeHandle(std::move(hold), &outlet->node()), outlet_(outlet) {}
  detail::Outlet<T>& outlet() const { return *outlet_; }

  // Makes a node of type Node behind this one: Node(place, arguments...).
  template <class Node, class... Arguments>
  Node& attach(Arguments&&... arguments) const;
  // A handle to a node made by attach().
  template <class Node>
  auto handle(Node& node) const {
    return Stream<typename Node::Element>(hold_, &node);
  }

 private:
  template <class Action>
  void run_blocking(const char* call, const char* instead, Action action) const;
  template <class Token, class Action>
  auto run_async(Token&& token, Action action) const;

  detail::Outlet<T>* outlet_;
};

}  // namespace penstock

#include "penstock/detail/stream_impl.hpp"
