// Definitions of distributed_stream.hpp: the ways in and out, and the streams that can do more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/remote_window.hpp"
#include "penstock/distributed_stream.hpp"

namespace penstock {

template <class T>
DistributedStream<T> DistributedStream<T>::with(TaskOptions options) const {
  const auto pinned = pin();
  auto* map = dynamic_cast<detail::RemoteMapNode*>(pinned.get());
  if (map == nullptr) {
    throw Error("with(): '" + this->name() + "' runs no function of its own: put with() right behind a map, starmap, "
                "filter or remove");
  }
  if (!options.worker.empty()) gate_->fit_one_worker();
  map->set_options(std::move(options));
  return *this;
}

template <class T>
template <bool kKept, class F>
DistributedStream<T> DistributedStream<T>::dropping(const char* kind, const F& predicate) const {
  constexpr bool kIsPredicate = std::is_invocable_r_v<bool, const F&, const T&>;
  static_assert(kIsPredicate,
                "filter() and remove() need a predicate: bool f(const T&) for the element type of the stream, "
                "and const");
  if constexpr (kIsPredicate) {
    const auto stage = detail::stage_of(detail::filter_stage<T, kKept>(predicate));
    auto filtered = then<T>(attach<detail::RemoteMapNode>(kind, port_, stage));
    filtered.drops_ = true;
    return filtered;
  } else {
    return *this;
  }
}

template <class T>
template <class Windows, class... Arguments>
DistributedStream<typename Windows::Out> DistributedStream<T>::windowed(Arguments&&... arguments) const {
  return then<typename Windows::Out>(
      attach<detail::RemoteWindowNode<T, Windows>>(port_, gate_, std::forward<Arguments>(arguments)...));
}

template <class T>
template <class Join, class... Others>
auto DistributedStream<T>::joined(Errors errors, const Join& join, const Others&... others) const {
  std::vector<std::pair<detail::RemoteOutlet*, detail::RemoteSettledNode*>> inputs;
  const auto part = [&inputs]<class Part>(const Part& given) {
    if constexpr (detail::kDistributed<Part>) {
      auto& settled = given.template prepare<detail::RemoteSettledNode>(given.port_, Places::kGivenUp);
      inputs.emplace_back(given.outlet_, &settled);
      return Futures(given.hold_, &settled);
    } else {
      return given;
    }
  };
  auto& made = assemble_node(join(part(*this), part(others)...));
  for (const auto& [from, input] : inputs) {
    if (errors == Errors::kAround) input->pass_errors_to(made);
    from->connect(input);
  }
  return then<detail::JoinedParts<DistributedStream, Others...>>(made);
}

template <class T>
template <class Key>
typename DistributedStream<T>::KeyNodes DistributedStream<T>::key_nodes(const Key& key, Places places) const {
  auto& stage = prepare<detail::RemoteMapNode>("key", port_, detail::stage_of(detail::key_stage<T>(key)));
  return {&stage, &then<T>(stage).template attach<detail::RemoteKeyNode>(port_, places)};
}

template <class T>
template <class Node, class... Arguments>
Node& DistributedStream<T>::prepare(Arguments&&... arguments) const {
  const auto before = pin();
  auto& made = detail::make_node<Node>(before->place(), std::forward<Arguments>(arguments)...);
  if constexpr (std::is_same_v<Node, detail::RemoteMapNode>) made.set_options(options_);
  made.start();
  return made;
}

// The stream of an accumulate.
template <class Out, class State>
class Accumulated : public DistributedStream<Out> {
 public:
  Accumulated(DistributedStream<Out> stream, detail::RemoteAccumulateNode* node)
      : DistributedStream<Out>(std::move(stream)), accumulate_(node) {}

  // The state for the elements that come into the accumulate from now on. Any thread.
  void reset(const State& state) const {
    std::string bytes;
    encode(state, bytes);
    const auto pinned = this->pin();
    accumulate_->reset(std::move(bytes));
  }

 private:
  detail::RemoteAccumulateNode* accumulate_;
};

// The stream of what was collected.
template <class T>
class DistributedCollected : public DistributedStream<std::vector<T>> {
 public:
  DistributedCollected(DistributedStream<std::vector<T>> stream, Collected<detail::RemoteElement> futures)
      : DistributedStream<std::vector<T>>(std::move(stream)), futures_(std::move(futures)) {}

  // Emits what has settled since the last time; as Collected<T>::flush().
  void flush() const { futures_.flush(); }
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_flush(CompletionToken&& completion = {}) const {
    return futures_.async_flush(std::forward<CompletionToken>(completion));
  }

 private:
  Collected<detail::RemoteElement> futures_;
};

template <class T>
DistributedCollected<T> DistributedStream<T>::collect() const {
  auto& settled = prepare<detail::RemoteSettledNode>(port_, Places::kGivenUp);
  auto futures = Futures(hold_, &settled).collect();
  auto& made = assemble_node(futures);
  settled.pass_errors_to(made);
  outlet_->connect(&settled);
  return {then<std::vector<T>>(made), std::move(futures)};
}

namespace detail {

// Elements of a scatter without a key.
struct NoKey {};

// Encodes elements and lets them into the window.
template <class T, class Key = NoKey>
class ScatterNode : public Operator<ScatterNode<T, Key>, T, RemoteElement> {
 public:
  ScatterNode(NodeBase::Place place, PortPtr port, GateLimits limits, Key key = {})
      : Operator<ScatterNode, T, RemoteElement>(std::move(place), "scatter"),
        key_(std::move(key)),
        gate_(ScatterGate::create(
            limits, std::move(port), this->graph(),
            [this](RemoteElement&& element, Delivery& delivery) {
              this->push_down(std::move(element), delivery);
            },
            [this](Delivery& delivery) { this->end_down(delivery); },
            [this, watch = CycleWatch()]() mutable { return watch.is_in_cycle(*this); })) {
    this->cannot_be_destroyed();
  }

  void receive(const T& value, Delivery& delivery) {
    std::uint64_t key = 0;
    if constexpr (!std::is_same_v<Key, NoKey>) {
      std::string encoded;
      encode(static_cast<const Stored<std::invoke_result_t<const Key&, const T&>>&>(std::invoke(key_, value)), encoded);
      key = std::hash<std::string>()(encoded);  // equal by chance: in order without need
    }
    std::string bytes;
    encode(value, bytes);
    gate_->enter(std::move(bytes), key, delivery);
  }

  const std::shared_ptr<ScatterGate>& gate() const { return gate_; }

  void end_now(Delivery& delivery) override { gate_->end(delivery); }

 private:
  [[no_unique_address]] const Key key_;
  std::shared_ptr<ScatterGate> gate_;
};

inline OrderedQueue::By queue_order(Order order) {
  switch (order) {
    case Order::kArrival: return OrderedQueue::By::kArrival;
    case Order::kKey: return OrderedQueue::By::kKey;
    case Order::kCompletion: return OrderedQueue::By::kCompletion;
  }
  return OrderedQueue::By::kArrival;
}

template <class T>
class GatherNode : public InOrder, public Outlet<T> {
 public:
  GatherNode(Place place, PortPtr port, Order order)
      : InOrder(std::move(place), "gather", std::move(port), queue_order(order)) {}
  ~GatherNode() override { say_what_is_lost(); }
  NodeBase& node() override { return *this; }
  const char* why_no_retry() const override {
    return "has values and not the tasks that made them: put with({.retries = n}) behind the map that fails";
  }

 private:
  void emit_settled(const TicketPtr&, const CellPtr& cell, Delivery& delivery) override {
    call_user(
        *this, delivery, [&] { return value_of<T>(cell->outcome()); },
        [&](T&& value) { this->push_down(std::move(value), delivery); });
  }
  void emit_end(Delivery& delivery) override { this->end_down(delivery); }
};

}  // namespace detail

template <class T>
Stream<T> DistributedStream<T>::gather(GatherOptions options) const {
  auto domain = local_;
  if (domain->loop() == nullptr) {
    // The emitting thread is not a loop, so results need one of their own.
    domain = detail::Shared(new detail::LoopDomain);
    domain->set(port_->loop());
  }
  auto& gathered =
      detail::make_node<detail::GatherNode<T>>(detail::Place{this->node().graph(), domain}, port_,
                                               options.order);
  outlet_->connect(&gathered);
  return Stream<T>(hold_, &gathered);
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
  return scatter_by(detail::NoKey{}, client, options);
}

template <class T>
template <class Key>
DistributedStream<T> Stream<T>::scatter_by(const Key& key, const Client& client) const {
  return scatter_by(key, client, ScatterOptions{});
}

template <class T>
template <class Key>
DistributedStream<T> Stream<T>::scatter_by(const Key& key, const Client& client, ScatterOptions options) const {
  auto port = client.port();
  // What follows has no part in this stream's loop: it runs wherever it is pushed.
  auto remote = detail::Shared(new detail::LoopDomain);
  remote->set(port->loop());
  auto& scatter = detail::make_node<detail::ScatterNode<T, Key>>(
      detail::Place{node().graph(), std::move(remote)}, port,
      detail::GateLimits{options.window, options.window_bytes}, key);
  if (!client.options().worker.empty()) scatter.gate()->fit_one_worker();
  outlet_->connect(&scatter);
  return DistributedStream<T>(hold_, &scatter, port, scatter.gate(), node().place().domain, *this,
                              client.options());
}

}  // namespace penstock
