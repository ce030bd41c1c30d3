// What the nodes with several inputs share: their ports, and how streams are joined in them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/node.hpp"
#include "penstock/detail/port.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock::detail {

// A part of a join that is no stream: the same value always.
template <class V>
struct Literal {
  V value;
};

template <class Part>
struct PartValue {
  using Type = Part;
};
template <class V>
struct PartValue<Literal<V>> {
  using Type = V;
};
template <class Part>
using PartValueOf = typename PartValue<Part>::Type;

template <class Owner>
struct NoPort {
  explicit NoPort(Owner&) {}
};

template <class Owner, std::size_t kIndex, class Part>
struct PortFor {
  using Type = Port<Owner, kIndex, Part>;
};
template <class Owner, std::size_t kIndex, class V>
struct PortFor<Owner, kIndex, Literal<V>> {
  using Type = NoPort<Owner>;
};

template <class Owner, class Indices, class... Parts>
struct PortsFor;
template <class Owner, std::size_t... kIndex, class... Parts>
struct PortsFor<Owner, std::index_sequence<kIndex...>, Parts...> {
  using Type = std::tuple<typename PortFor<Owner, kIndex, Parts>::Type...>;
};

// A node with one port for each part: the type of a stream's elements, or a Literal. Derived writes what
// detail/port.hpp asks for.
template <class Derived, class Out, class... Parts>
class Join : public NodeBase, public Outlet<Out> {
 public:
  Join(Place place, const char* kind) : NodeBase(std::move(place), kind), ports_(self<Parts>()...) {}

  NodeBase& node() final { return *this; }

  std::vector<Upstreams*> inlets() final {
    std::vector<Upstreams*> inlets;
    std::apply([&](auto&... ports) { (add(inlets, ports), ...); }, ports_);
    return inlets;
  }

  template <std::size_t kIndex>
  auto& port() {
    return std::get<kIndex>(ports_);
  }

 private:
  template <class>
  Derived& self() {
    return static_cast<Derived&>(*this);
  }
  static void add(std::vector<Upstreams*>& inlets, Upstreams& port) { inlets.push_back(&port); }
  static void add(std::vector<Upstreams*>&, NoPort<Derived>&) {}

  typename PortsFor<Derived, std::index_sequence_for<Parts...>, Parts...>::Type ports_;
};

template <class T>
Stream<T> as_stream(const Stream<T>& stream);

template <class A>
concept AnyStream = requires(const A& argument) {
  as_stream(argument);
};

template <class A>
struct PartFor {
  static_assert(!std::is_base_of_v<NodeHandle, A>,
                "only local streams can be joined: gather() a DistributedStream first; a sink has no "
                "elements");
  using Type = Literal<Stored<A>>;
};
template <AnyStream A>
struct PartFor<A> {
  using Type = typename decltype(as_stream(std::declval<const A&>()))::Element;
};
// The part of a join that an argument makes.
template <class A>
using PartOf = typename PartFor<A>::Type;

// A node behind all streams among the arguments, each connected to the port with its index. Throws
// LoopError, before anything is joined, when two of them are on different loops.
template <class Node, class... Args, class... NodeArguments>
auto join_streams(const std::tuple<const Args&...>& args, NodeArguments&&... node_arguments) {
  std::vector<std::shared_ptr<NodeBase>> upstreams;
  std::vector<Shared<LoopDomain>> domains;
  const auto each_stream = [&args](auto visit) {
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      const auto visit_one = [&]<std::size_t kOne>(const auto& argument) {
        if constexpr (AnyStream<std::remove_cvref_t<decltype(argument)>>) {
          visit.template operator()<kOne>(argument);
        }
      };
      (visit_one.template operator()<kIndex>(std::get<kIndex>(args)), ...);
    }
    (std::index_sequence_for<Args...>{});
  };
  each_stream([&]<std::size_t>(const auto& stream) {
    upstreams.push_back(stream.pin());
    domains.push_back(upstreams.back()->place().domain);
    stream.outlet().check_can_connect();
  });
  LoopDomain::join(domains);
  for (const auto& upstream : upstreams) upstreams.front()->graph()->join(*upstream->graph());
  Node& made =
      make_node<Node>(upstreams.front()->place(), std::forward<NodeArguments>(node_arguments)...);
  GraphHold hold(made.graph());
  try {
    each_stream([&]<std::size_t kIndex>(const auto& stream) {
      stream.outlet().connect(&made.template port<kIndex>());
    });
  } catch (...) {
    destroy(made);
    throw;
  }
  for (Upstreams* inlet : static_cast<NodeBase&>(made).inlets()) inlet->end_if_all_had_ended();
  return Stream<typename Node::Element>(std::move(hold), &made);
}

// The arguments of a call without the options at their end, and these, or the default ones.
template <class Options, class... Args>
auto split_options(const Args&... args) {
  const std::tuple<const Args&...> all(args...);
  constexpr std::size_t kCount = sizeof...(Args);
  constexpr bool kGiven =
      std::is_same_v<std::remove_cvref_t<std::tuple_element_t<kCount - 1, decltype(all)>>, Options>;
  const auto first = [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::tuple<
        const std::remove_cvref_t<std::tuple_element_t<kIndex, decltype(all)>>&...>(
        std::get<kIndex>(all)...);
  }
  (std::make_index_sequence<kCount - (kGiven ? 1 : 0)>{});
  if constexpr (kGiven) {
    return std::pair(first, std::get<kCount - 1>(all));
  } else {
    return std::pair(first, Options{});
  }
}

}  // namespace penstock::detail
