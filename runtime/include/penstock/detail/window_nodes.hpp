// The nodes behind window(), described in nodes/window.hpp.
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

// Derived has Out add(element, now, tokens).
template <class Derived, class T, class Out>
class WindowNodeBase : public Operator<Derived, T, Out> {
 public:
  WindowNodeBase(NodeBase::Place place, const WindowBounds& bounds, const LoopRef& loop)
      : Operator<Derived, T, Out>(std::move(place), "window"), bounds_(bounds) {
    if (bounds_.interval) this->need_loop(loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    TokensOfStep tokens{.left = {}, .result = delivery.token()};
    call_user(
        *this, delivery,
        [&]() -> Out {
          return static_cast<Derived&>(*this).add(std::as_const(value), now(), tokens);
        },
        [&](Out&& out) {
          if (!tokens.result) return this->push_down(std::move(out), delivery);
          const WithToken all(delivery, std::move(tokens.result));
          this->push_down(std::move(out), delivery);
        });
  }

 protected:
  const WindowBounds& bounds() const { return bounds_; }

 private:
  TimePoint now() const { return bounds_.interval ? this->loop()->now() : TimePoint(); }

  const WindowBounds bounds_;
};

template <class T, class A, class P, class V = ProjectionOf<P, T>,
          class R = typename SlidingAggregate<A, V>::Result>
class WindowNode : public WindowNodeBase<WindowNode<T, A, P>, T, R> {
 public:
  WindowNode(NodeBase::Place place, const WindowBounds& bounds, const LoopRef& loop, A aggregate,
             P projection)
      : WindowNodeBase<WindowNode, T, R>(std::move(place), bounds, loop),
        aggregate_(std::move(aggregate)),
        projection_(std::move(projection)) {}

  R add(const T& value, TimePoint now, TokensOfStep& tokens) {
    return window_.add(aggregate_, this->bounds(), std::invoke(projection_, value), now, tokens);
  }

  void flush(Delivery&) { window_.clear(); }

 private:
  const A aggregate_;
  const P projection_;
  SlidingAggregate<A, V> window_;
};

template <class T, class K, class A, class P, class Key = KeyOf<K, T>, class V = ProjectionOf<P, T>,
          class R = typename SlidingAggregate<A, V>::Result>
class KeyedWindowNode
    : public WindowNodeBase<KeyedWindowNode<T, K, A, P>, T, std::pair<Key, R>> {
 public:
  KeyedWindowNode(NodeBase::Place place, const WindowBounds& bounds, const LoopRef& loop, K key,
                  std::size_t max_keys, A aggregate, P projection)
      : WindowNodeBase<KeyedWindowNode, T, std::pair<Key, R>>(std::move(place), bounds, loop),
        key_(std::move(key)),
        max_keys_(max_keys),
        aggregate_(std::move(aggregate)),
        projection_(std::move(projection)) {}

  std::pair<Key, R> add(const T& value, TimePoint now, TokensOfStep& tokens) {
    Key key = std::invoke(key_, value);
    const V projected = std::invoke(projection_, value);
    if (this->bounds().interval) drop_empty(now - *this->bounds().interval, tokens);
    auto& window = windows_.use(key, [] { return SlidingAggregate<A, V>(); });
    if (windows_.size() > max_keys_) drop_oldest(tokens);
    R result = window.add(aggregate_, this->bounds(), projected, now, tokens);
    return {std::move(key), std::move(result)};
  }

  void flush(Delivery&) {
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

  const K key_;
  const std::size_t max_keys_;
  const A aggregate_;
  const P projection_;
  RecentKeys<Key, SlidingAggregate<A, V>> windows_;
};

}  // namespace penstock::detail
