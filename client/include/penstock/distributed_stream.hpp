// DistributedStream<T>: a stream whose maps run on the workers of a cluster.
//
//   source.scatter().map(heavy).map(heavier).gather().sink(print);
//
//   penstock::DistributedStream<int> direct;          // or from the start
//   direct.map(heavy).gather().sink(print);
//   direct.emit(1);
//
// It carries values that are somewhere on their way, not values: an operator that would need them here
// does not exist on it, until gather() brings them back. Consecutive maps run as one task, on one worker,
// without a hop between them; where the stream branches, each branch is a task of its own on a common
// input.
//
// Parallel by default: scatter() lets as many elements in as keep every worker busy, adapting to the
// cluster and to how long the tasks take; buffer(n) sets that number by hand. emit() waits while the
// window is full: that is the back-pressure. A place is free again when gather() has delivered what
// became of its element.
//
// Functions are registered at compile time and run in processes of the same build; what may be captured
// and passed: task.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "penstock/client.hpp"
#include "penstock/detail/remote_nodes.hpp"
#include "penstock/nodes/rate_limit.hpp"
#include "penstock/stream.hpp"

namespace penstock {

struct ScatterOptions {
  std::size_t window = 0;                            // elements on their way; 0: adaptive
  std::size_t window_bytes = std::size_t{256} << 20;  // of encoded arguments
};

template <class T>
class DistributedStream : public NodeHandle {
 public:
  using Element = T;

  // A source on the default client, or on this one.
  DistributedStream() : DistributedStream(Client::current()) {}
  explicit DistributedStream(const Client& client, ScatterOptions options = {})
      : DistributedStream(Stream<T>().scatter(client, options)) {}

  // As Stream<T>::emit. Only for streams made as sources: an element enters a scattered stream through
  // the local stream before it. Any thread.
  void emit(T value) const { source().emit(std::move(value)); }
  template <class Token = asio::use_awaitable_t<>>
  auto async_emit(T value, Token&& token = {}) const {
    return source().async_emit(std::move(value), std::forward<Token>(token));
  }
  void close() const { source().close(); }
  template <class Token = asio::use_awaitable_t<>>
  auto async_close(Token&& token = {}) const {
    return source().async_close(std::forward<Token>(token));
  }

  // function(x, extra...) on a worker. It must block and return; awaitables do not compile.
  template <class F, class... Extra>
  auto map(const F& function, const Extra&... extra) const {
    using Result = detail::map_result_t<F, T, Extra...>;
    return then<Result>(attach<detail::RemoteMapNode>(
        "map", port_, detail::stage_of(detail::map_stage<T>(function, extra...))));
  }

  // function(get<0>(x), get<1>(x), ..., extra...) on a worker.
  template <class F, class... Extra>
  auto starmap(const F& function, const Extra&... extra) const {
    using Result = detail::starmap_result_t<F, T, Extra...>;
    return then<Result>(attach<detail::RemoteMapNode>(
        "starmap", port_, detail::stage_of(detail::starmap_stage<T>(function, extra...))));
  }

  // A running value, as Stream<T>::accumulate, computed on the workers in order. A lost worker does not
  // break it: the last confirmed state is here. State f(const State&, const T&).
  template <class F>
  auto accumulate(const F& function) const {
    using Out = detail::accumulate_result_t<F, T, T, false>;
    return accumulated<Out>(detail::accumulate_stage<T, T, false>(function), std::nullopt);
  }
  template <class F, class State>
  auto accumulate(const F& function, const State& start) const {
    using Out = detail::accumulate_result_t<F, State, T, false>;
    return accumulated<Out>(detail::accumulate_stage<State, T, false>(function), encoded(start));
  }
  // f returns {state, output}; the output goes on.
  template <class F, class State>
  auto accumulate(const F& function, const State& start, ReturnsState) const {
    using Out = detail::accumulate_result_t<F, State, T, true>;
    return accumulated<Out>(detail::accumulate_stage<State, T, true>(function), encoded(start));
  }

  // n elements on their way instead of an adaptive number.
  DistributedStream buffer(std::size_t n) const {
    if (n == 0) throw Error("buffer(n): n must be at least 1");
    gate_->set_window(n);
    return *this;
  }

  // Elements leave no closer to each other than `interval`; emit() waits. Their tasks run meanwhile.
  DistributedStream rate_limit(Duration interval) const {
    auto& hop = attach<detail::RemoteHopNode>(port_);
    auto& node = detail::make_node<detail::RateLimitNode<detail::RemoteElement>>(place_of(hop), interval,
                                                                                LoopRef{});
    static_cast<detail::RemoteOutlet&>(hop).connect(&node);
    node.start();
    return then<T>(node);
  }

  // Back into the local stream, in order. The values come out on the loop of the stream before scatter()
  // or, when that has none, on the client's. Errors obey this node's policy: on_error().
  Stream<T> gather() const;

  DistributedStream& on_error(ErrorPolicy policy) = delete;  // errors come out at gather()
  DistributedStream& named(std::string name) {
    node().set_name(std::move(name));
    return *this;
  }

  // ---- for the library ----
  DistributedStream(detail::GraphHold hold, detail::RemoteOutlet* outlet, detail::PortPtr port,
                    std::shared_ptr<detail::ScatterGate> gate,
                    std::shared_ptr<detail::LoopDomain> local, std::optional<Stream<T>> source)
      : NodeHandle(std::move(hold), &outlet->node()),
        outlet_(outlet),
        port_(std::move(port)),
        gate_(std::move(gate)),
        local_(std::move(local)),
        source_(std::move(source)) {}

 private:
  template <class U>
  friend class DistributedStream;

  static std::optional<std::string> encoded(const auto& value) {
    std::string bytes;
    encode(value, bytes);
    return bytes;
  }

  const Stream<T>& source() const {
    if (!source_) throw Error("emit() into the local stream before scatter(), or make the "
                              "DistributedStream itself the source");
    return *source_;
  }

  static detail::NodeBase::Place place_of(detail::RemoteOutlet& outlet) {
    return outlet.node().place();
  }

  template <class Node, class... Arguments>
  Node& attach(Arguments&&... arguments) const {
    auto& made = detail::make_node<Node>(place_of(*outlet_), std::forward<Arguments>(arguments)...);
    outlet_->connect(&made);
    made.start();
    return made;
  }

  template <class U>
  DistributedStream<U> then(detail::RemoteOutlet& outlet) const {
    return DistributedStream<U>(hold_, &outlet, port_, gate_, local_, std::nullopt);
  }

  template <class Out>
  DistributedStream<Out> accumulated(const detail::StageSpec& spec,
                                     std::optional<std::string> start) const {
    return then<Out>(attach<detail::RemoteAccumulateNode>(port_, detail::stage_of(spec),
                                                          std::move(start)));
  }

  detail::RemoteOutlet* outlet_;
  detail::PortPtr port_;
  std::shared_ptr<detail::ScatterGate> gate_;
  std::shared_ptr<detail::LoopDomain> local_;  // of the stream before scatter()
  std::optional<Stream<T>> source_;
};

namespace detail {

// Encodes elements and lets them into the window.
template <class T>
class ScatterNode : public Operator<ScatterNode<T>, T, RemoteElement> {
 public:
  ScatterNode(NodeBase::Place place, PortPtr port, GateLimits limits)
      : Operator<ScatterNode, T, RemoteElement>(std::move(place), "scatter"),
        gate_(ScatterGate::create(
            limits, std::move(port), this->graph(),
            [this](RemoteElement&& element, Delivery& delivery) {
              this->push_down(std::move(element), delivery);
            },
            [this](Delivery& delivery) { this->end_down(delivery); })) {
    this->cannot_be_destroyed();
  }

  void receive(const T& value, Delivery& delivery) {
    std::string bytes;
    encode(value, bytes);
    gate_->enter(std::move(bytes), delivery);
  }

  const std::shared_ptr<ScatterGate>& gate() const { return gate_; }

  void end_now(Delivery& delivery) override { gate_->end(delivery); }

 private:
  std::shared_ptr<ScatterGate> gate_;
};

template <class T>
class GatherNode : public GatherBase, public Outlet<T> {
 public:
  using GatherBase::GatherBase;
  NodeBase& node() override { return *this; }

 private:
  void emit_value(const Outcome& outcome, Delivery& delivery) override {
    call_user(
        *this, delivery, [&] { return value_of<T>(outcome); },
        [&](T&& value) { this->push_down(std::move(value), delivery); });
  }
  void emit_end(Delivery& delivery) override { this->end_down(delivery); }
};

}  // namespace detail

template <class T>
Stream<T> DistributedStream<T>::gather() const {
  auto domain = local_;
  if (domain->loop() == nullptr) {
    // The emitting thread is not a loop, so results need one of their own.
    domain = std::make_shared<detail::LoopDomain>();
    domain->set(port_->loop());
  }
  auto& node =
      detail::make_node<detail::GatherNode<T>>(detail::Place{this->node().graph(), domain}, port_);
  outlet_->connect(&node);
  return Stream<T>(hold_, &node);
}

template <class T>
struct detail::ScatterDoor {
  static DistributedStream<T> open(const Stream<T>& stream) { return stream.scatter(Client::current()); }
};

template <class T>
DistributedStream<T> Stream<T>::scatter(const Client& client) const {
  return scatter(client, ScatterOptions{});
}

template <class T>
DistributedStream<T> Stream<T>::scatter(const Client& client, ScatterOptions options) const {
  auto port = client.port();
  // What follows has no part in this stream's loop: it runs wherever it is pushed.
  auto remote = std::make_shared<detail::LoopDomain>();
  remote->set(port->loop());
  auto& scatter = detail::make_node<detail::ScatterNode<T>>(
      detail::Place{node().graph(), std::move(remote)}, port,
      detail::GateLimits{options.window, options.window_bytes});
  outlet_->connect(&scatter);
  return DistributedStream<T>(hold_, &scatter, port, scatter.gate(), node().place().domain, *this);
}

}  // namespace penstock
