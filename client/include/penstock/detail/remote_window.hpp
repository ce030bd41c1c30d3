// The node behind window() of a distributed stream, and the function that runs on the workers for it.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "penstock/detail/remote_nodes.hpp"
#include "penstock/detail/window_nodes.hpp"
#include "penstock/future.hpp"

namespace penstock::detail {

// All that count() needs of an element.
struct OneMore {
  template <class T>
  std::monostate operator()(const T&) const {
    return {};
  }
};

// What a window needs of an element: its projection, or less.
template <class A, class P>
auto needed_for(P projection) {
  if constexpr (std::is_same_v<A, aggregates::Count> && std::is_same_v<P, std::identity>) {
    return OneMore();
  } else {
    return projection;
  }
}

// The key of an element and its projection.
template <class K, class P>
struct KeyAndProjection {
  static constexpr const char* kName = "window";
  std::tuple<K, P> made_of;

  template <class T>
  auto operator()(const T& element) const {
    return std::pair<KeyOf<K, T>, ProjectionOf<P, T>>(std::invoke(std::get<0>(made_of), element),
                                                      std::invoke(std::get<1>(made_of), element));
  }
};

// Decodes what windows are made of, as it comes, and encodes what comes out. Who fails goes on, in its place.
// Windows is one of window_nodes.hpp, over values T.
template <class T, class Windows>
class RemoteWindowNode : public InOrder, public RemoteOutlet {
 public:
  template <class... Arguments>
  RemoteWindowNode(Place place, PortPtr port, std::shared_ptr<ScatterGate> gate, const LoopRef& loop,
                   const WindowBounds& bounds, Arguments... arguments)
      : InOrder(std::move(place), "window", std::move(port)),
        gate_(std::move(gate)),
        windows_(bounds, std::move(arguments)...) {
    if (bounds.interval) need_loop(loop);
  }
  NodeBase& node() override { return *this; }

 private:
  void emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) override {
    if (cell->outcome().error) return push_down(RemoteElement{ticket, {}, cell, nullptr}, delivery);
    TokensOfStep tokens{.left = {}, .result = delivery.token()};
    RemoteElement made{ticket, {}, nullptr, nullptr};
    try {
      const TimePoint now = windows_.bounds().interval ? loop()->now() : TimePoint();
      encode(windows_.add(value_of<T>(cell->outcome()), now, tokens), made.bytes);
    } catch (...) {
      made.cell = std::make_shared<Cell>(Outcome{"", std::current_exception(), {}});
    }
    if (!tokens.result) return push_down(std::move(made), delivery);
    // A ticket of its own, since it has the tokens of all elements of its window.
    made.ticket = gate_->admit(tokens.result);
    const WithToken all(delivery, tokens.result);
    push_down(std::move(made), delivery);
  }

  void emit_end(Delivery& delivery) override {
    windows_.clear();
    end_down(delivery);
  }

  const std::shared_ptr<ScatterGate> gate_;
  Windows windows_;
};

}  // namespace penstock::detail
