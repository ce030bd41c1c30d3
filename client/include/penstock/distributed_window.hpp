// s.window(n) and s.window(interval) of a distributed stream: the aggregates of nodes/window.hpp, with the same
// results.
//
//   orders.scatter().map(parse).window(1min).by(&Order::symbol).mean(&Order::price).gather().sink(print);
//
// Projections and key functions run on the workers, as one task with the maps before them; what they make of
// an element, a number mostly, comes to the client and waits in the window there, and the element stays
// where it is. The aggregate is the local one, on the client's loop, so each element costs O(1), or O(log n)
// for quantiles, however large the window is, and nothing is computed twice when a worker dies. count() needs
// nothing of an element.
//
// Without a projection the element itself comes. Where elements are large and no number of them is meant
// (a sum of images), sliding_window(n) and a map() keep them on the workers, at O(n) for each.
//
// Elements come into the window in order, when they are known; time is that of the client's loop then. One
// that failed is in no window: it goes on to gather(), in its place, and so does what a projection, a key
// function or an aggregate throws. A result has the tokens of all elements of its window.
#pragma once

#include <functional>
#include <utility>

#include "penstock/detail/remote_window.hpp"
#include "penstock/detail/window_aggregates.hpp"
#include "penstock/distributed_stream.hpp"
#include "penstock/nodes/window.hpp"

namespace penstock {

// A window for each key: what window(...).by(key) returns.
template <class T, class K>
class DistributedKeyedWindow : public detail::WindowAggregates<DistributedKeyedWindow<T, K>> {
 public:
  DistributedKeyedWindow(DistributedStream<T> stream, detail::WindowBounds bounds, LoopRef loop, K key,
                         KeyOptions options)
      : stream_(std::move(stream)),
        bounds_(bounds),
        loop_(std::move(loop)),
        key_(std::move(key)),
        options_(options) {
    detail::check_keys(options);
  }

  // An aggregate of one's own; it runs here.
  template <class A, class P = std::identity>
  auto aggregate(A aggregate, P projection = {}) const {
    constexpr bool kFits = detail::can_aggregate<A, P, T>();
    if constexpr (kFits && detail::KeyCall<K, T>::kFits) {
      auto needed = detail::needed_for<A>(std::move(projection));
      using Needed = decltype(needed);
      using Key = detail::KeyOf<K, T>;
      using Value = detail::ProjectionOf<Needed, T>;
      using Pair = std::pair<Key, Value>;
      return stream_.map(detail::KeyAndProjection<K, Needed>{{key_, std::move(needed)}})
          .template windowed<detail::WindowOfEachKey<Pair, Key Pair::*, A, Value Pair::*>>(
              loop_, bounds_, &Pair::first, options_.max_keys, std::move(aggregate), &Pair::second);
    } else {
      return detail::refused_stream();
    }
  }

 private:
  DistributedStream<T> stream_;
  detail::WindowBounds bounds_;
  LoopRef loop_;
  K key_;
  KeyOptions options_;
};

// What window(...) returns: no node yet. Each aggregate of it makes one.
template <class T>
class DistributedWindow : public detail::WindowAggregates<DistributedWindow<T>> {
 public:
  DistributedWindow(DistributedStream<T> stream, detail::WindowBounds bounds, LoopRef loop)
      : stream_(std::move(stream)), bounds_(bounds), loop_(std::move(loop)) {
    detail::check_bounds(bounds);
  }

  // An aggregate of one's own; it runs here.
  template <class A, class P = std::identity>
  auto aggregate(A aggregate, P projection = {}) const {
    if constexpr (detail::can_aggregate<A, P, T>()) {
      const auto needed = detail::needed_for<A>(std::move(projection));
      if constexpr (std::is_same_v<decltype(needed), const std::identity>) {
        return over(stream_, std::move(aggregate));
      } else {
        return over(stream_.map(needed), std::move(aggregate));
      }
    } else {
      return detail::refused_stream();
    }
  }

  // A window for each key; key is a function of the element or a pointer to a member.
  template <class K>
  auto by(K key, KeyOptions options = {}) const {
    return DistributedKeyedWindow<T, K>(stream_, bounds_, loop_, std::move(key), options);
  }

 private:
  template <class V, class A>
  auto over(const DistributedStream<V>& values, A aggregate) const {
    return values.template windowed<detail::OneWindow<V, A, std::identity>>(
        loop_, bounds_, std::move(aggregate), std::identity());
  }

  DistributedStream<T> stream_;
  detail::WindowBounds bounds_;
  LoopRef loop_;
};

template <class T>
DistributedWindow<T> DistributedStream<T>::window(std::size_t n) const {
  return {*this, {.elements = n}, {}};
}
template <class T>
DistributedWindow<T> DistributedStream<T>::window(Interval interval, WindowOptions options) const {
  return {*this, {.elements = options.limit, .interval = interval}, options.loop};
}

}  // namespace penstock
