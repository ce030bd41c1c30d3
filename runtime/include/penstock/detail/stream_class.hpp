// The classes of stream.hpp, which says what they promise. The nodes define the members of Stream<T>.
#pragma once

#include <asio/async_result.hpp>
#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/local_call.hpp"
#include "penstock/detail/node.hpp"
#include "penstock/detail/waiter.hpp"
#include "penstock/error.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/token.hpp"

namespace penstock {

template <class T>
class DistributedStream;
class Client;  // defined in <penstock/client.hpp>, which <penstock/penstock.hpp> includes
struct ScatterOptions;
struct GatherOptions;
namespace detail {
template <class T>
struct ScatterDoor;
}
template <class T>
class SlidingWindow;
template <class T>
class Collected;
template <class T>
class VectorSink;

// Selects the accumulate() whose function returns {state, output}.
struct ReturnsState {};
inline constexpr ReturnsState returns_state{};
// Selects the accumulate() that emits {state, output}.
struct WithState {};
inline constexpr WithState with_state{};

struct VisualizeOptions {
  Duration timeout = std::chrono::seconds{30};  // for the program that draws
};

// Any node. Stream<T> and what sink() returns derive from it.
class NodeHandle {
 public:
  NodeHandle(detail::GraphHold hold, detail::NodeBase* node)
      : hold_(std::move(hold)), node_(node), life_(node->life()) {}

  std::string name() const { return life_->name(); }

  // Handles to one node are equal.
  friend bool operator==(const NodeHandle& a, const NodeHandle& b) { return a.node_ == b.node_; }

  // The nodes that elements come from and go to, each once, in the order of connecting.
  std::vector<NodeHandle> upstreams() const;
  std::vector<NodeHandle> downstreams() const;

  // Starts or stops every source that leads here, the node itself included.
  void start() const;
  void stop() const;

  // Detaches the node from its upstreams and downstreams and frees it, with its function and all that waits
  // in it: tokens are released and emits return. Not before what runs in it has returned; a coroutine of it
  // runs to its end, and its result is dropped. Downstream does not end. drain() waits for all that. Twice
  // is harmless. The nodes of a DistributedStream go with their whole graph only: Error.
  void destroy() const;
  bool destroyed() const { return life_->destroyed(); }

  // The graph as JSON: all nodes that were ever connected with this one, and the edges that there are now.
  //   {"nodes":[{"id":1,"name":"parse","kind":"map","role":"map"},...],
  //    "edges":[{"from":1,"to":2,"order":0,"input":0,"errors":false},...]}
  // Ids belong to one process. `role` is source, sink, map, buffer, window, join or remote; `order` counts
  // the edges of a node as they were connected, `input` the inputs of a join; `errors` leads to a
  // dead-letter stream.
  std::string describe() const;

  // Draws that into a file: .dot and .gv for graphviz, .svg and .png through its program `dot`. Each role has
  // its shape, and the edges of a node have numbers when there are several. Throws Error when the file cannot
  // be written, or dot is missing, fails or does not finish in time.
  void visualize(const std::filesystem::path& file, VisualizeOptions options = {}) const;

  // Calls `handler` with every error that no emit waits for, on the thread where it came up. It
  // must not throw.
  void set_error_handler(std::function<void(std::exception_ptr)> handler) const {
    hold_->set_error_handler(std::move(handler));
  }

  // Waits until nothing is on its way in the whole graph: everything that was emitted has left its last sink
  // or failed. What is emitted meanwhile counts too, so while a source or another thread goes on emitting it
  // may not return: stop() the sources first. Throws the first error that no emit reported since the last
  // drain. Partial partitions wait for close(). Throws LoopError on the loop's own thread: use async_drain()
  // there.
  void drain() const;

  // The same with a completion token: void(std::exception_ptr).
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_drain(CompletionToken&& completion = {}) const;

 protected:
  detail::NodeBase& node() const {
    detail::check_not_destroyed(*life_);
    return *node_;
  }
  // Keeps the node during a call. Throws DestroyedError.
  std::shared_ptr<detail::NodeBase> pin() const;
  const detail::Shared<detail::NodeLife>& life() const { return life_; }
  void apply(ErrorPolicy policy);

  detail::GraphHold hold_;
  detail::NodeBase* node_;  // while it is not destroyed

 private:
  detail::Shared<detail::NodeLife> life_;

  friend class ErrorPolicy;
  template <class T>
  friend class Stream;
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
    life()->set_name(std::move(name));
    return *this;
  }
};

template <class T>
class Stream : public NodeHandle {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                "a stream carries values: give Stream<T> a type that is no reference, not const and not void");

 public:
  using Element = T;

  // A source: elements come from emit(). Its loop is that of the first node that needs one.
  Stream();
  // A source on this loop.
  explicit Stream(const LoopRef& loop);

  // Sends the element down the graph and blocks while a node waits. Throws what a node raised,
  // LoopError on the graph's own loop, ClosedError after close().
  [[gnu::always_inline]] void emit(T value) const;
  // The same for an element whose last trace the token tells of.
  [[gnu::noinline]] void emit(T value, Token token) const;

  // The same without blocking: completes with void(std::exception_ptr) when emit() would return.
  // Elements enter the graph in the order of the calls. Any Asio completion token. The graph lives
  // until then.
  template <class CompletionToken = asio::use_awaitable_t<>>
    requires(!std::is_same_v<std::remove_cvref_t<CompletionToken>, Token>)
  auto async_emit(T value, CompletionToken&& completion = {}) const;
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_emit(T value, Token token, CompletionToken&& completion = {}) const;

  // Ends this source: partial windows and partitions are flushed and downstream ends. Waits like
  // emit(). Closing twice is harmless.
  void close() const;
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_close(CompletionToken&& completion = {}) const;

  // Makes `other`, whose node takes elements of type T, a downstream: elements of this stream enter its
  // node. A source passes them on as if they were emitted there. Cycles are allowed.
  void connect(const NodeHandle& other) const;
  // The reverse. Throws Error when it is none. What is in the other stream's nodes already goes on, and
  // `other` does not end by it.
  void disconnect(const NodeHandle& other) const;

  Stream& on_error(ErrorPolicy policy) {
    apply(std::move(policy));
    return *this;
  }
  Stream& named(std::string name) {
    life()->set_name(std::move(name));
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
  auto map_async(F function, std::size_t parallelism = 1, Extra... extra) const;
  template <class F, class... Extra>
  auto starmap(F function, Extra... extra) const;
  template <std::size_t... kIndices>
    requires(sizeof...(kIndices) > 0)
  auto pluck() const;
  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  auto pluck(Parts... parts) const;
  template <class F>
  Stream filter(F predicate) const;
  template <class F>
  Stream remove(F predicate) const;
  Stream slice(std::size_t start, std::optional<std::size_t> end = {}, std::size_t step = 1) const;
  template <class Key = std::identity>
  Stream unique(UniqueOptions options = {}, Key key = {}) const;
  template <class F>
  auto accumulate(F function) const;
  template <class F, class State>
  auto accumulate(F function, State start) const;
  template <class F, class State>
  auto accumulate(F function, State start, ReturnsState) const;
  template <class F, class State>
  auto accumulate(F function, State start, WithState) const;
  template <class F, class State>
  auto accumulate(F function, State start, ReturnsState, WithState) const;
  template <class K, class F, class State>
  auto keyed_accumulate(K key, F function, State start) const;
  template <class K, class F, class State>
  auto keyed_accumulate(K key, F function, State start, KeyOptions options) const;
  auto frequencies() const;
  Stream<std::vector<T>> sliding_window(std::size_t n, bool return_partial = true) const;
  SlidingWindow<T> window(std::size_t n) const;
  SlidingWindow<T> window(Interval interval) const;
  SlidingWindow<T> window(Interval interval, WindowOptions options) const;
  template <class... Arguments>
  auto scan(Arguments... arguments) const;
  auto flatten() const;
  auto concat() const;
  Collected<T> collect() const;
  Stream<std::vector<T>> partition(std::size_t n) const;
  Stream<std::vector<T>> partition(std::size_t n, PartitionOptions options) const;
  template <class Key>
  Stream<std::vector<T>> partition(std::size_t n, Key key, PartitionOptions options = {}) const;
  template <class Key = std::identity>
  Stream<std::vector<T>> partition_unique(std::size_t n, Key key = {}, Keep keep = Keep::kFirst) const;
  Stream buffer(std::size_t n) const;
  Stream buffer(std::size_t n, TimeOptions options) const;
  Stream rate_limit(Interval interval) const;
  Stream rate_limit(Interval interval, TimeOptions options) const;
  Stream delay(Interval interval) const;
  Stream delay(Interval interval, DelayOptions options) const;
  Stream<std::vector<T>> timed_window(Interval interval) const;
  Stream<std::vector<T>> timed_window(Interval interval, TimedWindowOptions options) const;
  template <class... Others>
  auto zip(const Others&... others) const;
  template <class... Others>
  auto combine_latest(const Others&... others) const;
  template <class... Others>
  auto zip_latest(const Others&... others) const;
  template <class... Others>
  Stream union_with(const Others&... others) const;
  template <class... Others>
  Stream merge(const Others&... others) const;
  template <class Key = std::identity>
  Stream<std::vector<T>> timed_window_unique(Interval interval, Key key = {}, Keep keep = Keep::kFirst,
                                             TimedWindowOptions options = {}) const;
  Stream latest(TimeOptions options = {}) const;
  Stream debounce(Interval interval, TimeOptions options = {}) const;
  Stream throttle(Interval interval, TimeOptions options = {}) const;
  template <class F, class... Extra>
  Sink sink(F function, Extra... extra) const;
  template <class None = T>
  Sink sink() const;  // refused, with a message
  VectorSink<T> sink_to_vector() const;
  Sink sink_to_textfile(const std::string& path, TextFileOptions options = {}) const;

  // ---- to the cluster and back; defined in distributed_stream.hpp ----
  template <class Door = detail::ScatterDoor<T>>
  auto scatter() const {
    constexpr bool kIncluded = requires { sizeof(Door); };
    static_assert(kIncluded, "scatter() needs #include <penstock/distributed_stream.hpp>");
    if constexpr (kIncluded) {
      return Door::open(*this);
    } else {
      return *this;
    }
  }
  DistributedStream<T> scatter(const Client& client) const;
  DistributedStream<T> scatter(const Client& client, ScatterOptions options) const;
  // gather({.order = Order::kKey}) keeps elements of equal key(x) in order, and only those.
  template <class Key>
  DistributedStream<T> scatter_by(const Key& key, const Client& client) const;
  template <class Key>
  DistributedStream<T> scatter_by(const Key& key, const Client& client, ScatterOptions options) const;
  // This stream is local already: one pipeline text works with and without scatter().
  const Stream& gather() const { return *this; }
  const Stream& gather(const GatherOptions&) const { return *this; }

  // ---- for nodes ----
  Stream(detail::GraphHold hold, detail::Outlet<T>* outlet)
      : NodeHandle(std::move(hold), &outlet->node()), outlet_(outlet) {}
  detail::Outlet<T>& outlet() const { return *outlet_; }
  using NodeHandle::pin;

  // Makes a node of type Node behind this one: Node(place, arguments...).
  template <class Node, class... Arguments>
  [[gnu::cold, gnu::noinline]] Node& attach(Arguments&&... arguments) const;
  // The same for one that nothing comes out of.
  template <class Node, class... Arguments>
  Sink attach_sink(Arguments&&... arguments) const {
    return Sink(hold_, &attach<Node>(std::forward<Arguments>(arguments)...));
  }
  // A handle to a node made by attach().
  template <class Node>
  auto handle(Node& node) const {
    return Stream<typename Node::Element>(hold_, &node);
  }

 protected:
  // Each calls action(life, delivery) for an element with this token.
  template <class Action>
  void run_blocking(const char* call, const char* instead, Token token, Action action) const;
  [[gnu::noinline]] void wait_inline(const char* call, const char* instead,
                                     detail::Delivery delivery) const;
  template <class CompletionToken, class Action>
  auto run_async(CompletionToken&& completion, Token token, Action action) const;

 private:
  explicit Stream(std::pair<detail::GraphHold, detail::Outlet<T>*> source)
      : Stream(std::move(source.first), source.second) {}

  detail::Outlet<T>* outlet_;
};

namespace detail {

// What a node returns that was refused with a message, so that those behind it compile. Never called.
inline Stream<Unknown> refused_stream() { std::abort(); }

}  // namespace detail
}  // namespace penstock

#include "penstock/detail/stream_impl.hpp"
