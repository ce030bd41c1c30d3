// The windows and the node behind window(), described in nodes/window.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include "penstock/detail/node.hpp"
#include "penstock/detail/recent_keys.hpp"
#include "penstock/detail/sliding_aggregate.hpp"

namespace penstock::detail {

template <class P, class T>
using ProjectionOf = std::remove_cvref_t<std::invoke_result_t<const P&, const T&>>;

// One window for all elements.
template <class T, class A, class P>
class OneWindow {
  using V = ProjectionOf<P, T>;

 public:
  using Out = typename SlidingAggregate<A, V>::Result;

  OneWindow(const WindowBounds& bounds, A aggregate, P projection)
      : bounds_(bounds), aggregate_(std::move(aggregate)), projection_(std::move(projection)) {}

  const WindowBounds& bounds() const { return bounds_; }

  // `now` matters with an interval only.
  Out add(const T& value, TimePoint now, TokensOfStep& tokens) {
    return window_.add(aggregate_, bounds_, std::invoke(projection_, value), now, tokens);
  }

  void clear() { window_.clear(); }

 private:
  const WindowBounds bounds_;
  const A aggregate_;
  const P projection_;
  SlidingAggregate<A, V> window_;
};

// One for each key.
template <class T, class K, class A, class P>
class WindowOfEachKey {
  using Key = KeyOf<K, T>;
  using V = ProjectionOf<P, T>;
  using Result = typename SlidingAggregate<A, V>::Result;

 public:
  using Out = std::pair<Key, Result>;

  WindowOfEachKey(const WindowBounds& bounds, K key, std::size_t max_keys, A aggregate, P projection)
      : bounds_(bounds),
        key_(std::move(key)),
        max_keys_(max_keys),
        aggregate_(std::move(aggregate)),
        projection_(std::move(projection)) {}

  const WindowBounds& bounds() const { return bounds_; }

  Out add(const T& value, TimePoint now, TokensOfStep& tokens) {
    Key key = std::invoke(key_, value);
    const V projected = std::invoke(projection_, value);
    if (bounds_.interval) drop_empty(now - *bounds_.interval, tokens);
    auto& window = windows_.use(key, [] { return SlidingAggregate<A, V>(); });
    if (windows_.size() > max_keys_) drop_oldest(tokens);
    Result result = window.add(aggregate_, bounds_, projected, now, tokens);
    return {std::move(key), std::move(result)};
  }

  void clear() {
    TokensOfStep tokens;
    while (windows_.size() > 0) drop_oldest(tokens);
  }

 private:
  void drop_empty(TimePoint then, TokensOfStep& tokens) {
    while (windows_.size() > 0 && windows_.oldest().is_over(then)) drop_oldest(tokens);
  }
  void drop_oldest(TokensOfStep& tokens) {
    tokens.leave(windows_.oldest().clear());
    windows_.drop_oldest();
  }

  const WindowBounds bounds_;
  const K key_;
  const std::size_t max_keys_;
  const A aggregate_;
  const P projection_;
  RecentKeys<Key, SlidingAggregate<A, V>> windows_;
};

// Windows(bounds, arguments...) is one of these two.
template <class T, class Windows, class Out = typename Windows::Out>
class WindowNode : public Operator<WindowNode<T, Windows>, T, Out> {
 public:
  template <class... Arguments>
  WindowNode(NodeBase::Place place, const LoopRef& loop, const WindowBounds& bounds, Arguments... arguments)
      : Operator<WindowNode, T, Out>(std::move(place), "window"), windows_(bounds, std::move(arguments)...) {
    if (bounds.interval) this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    TokensOfStep tokens{.left = {}, .result = delivery.token()};
    call_user(
        *this, delivery, [&]() -> Out { return windows_.add(std::as_const(value), now(), tokens); },
        [&](Out&& out) {
          if (!tokens.result) return this->push_down(std::move(out), delivery);
          const WithToken all(delivery, std::move(tokens.result));
          this->push_down(std::move(out), delivery);
        });
  }

  void flush(Delivery&) { windows_.clear(); }

 private:
  TimePoint now() const { return windows_.bounds().interval ? this->loop()->now() : TimePoint(); }

  Windows windows_;
};

}  // namespace penstock::detail
