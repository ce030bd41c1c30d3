// s.window(n): the last n elements; s.window(interval): those of the last `interval`. On it
//
//   .count() .sum() .mean() .min() .max() .variance() .standard_deviation() .quantile(q)
//   .aggregate(a)
//
// each make a stream that has, for each element, the aggregate of the window which it ends:
//
//   in   -1----2----3----4---|
//   out  -1----3----5----7---|      window(2).sum()
//
// A projection tells which number of the element is meant: .mean(&Order::price), .quantile(0.9, f).
// by(key) makes a window for each key, and the result a std::pair of key and value:
//
//   orders.window(1min).by(&Order::symbol).mean(&Order::price);   // std::pair<std::string, double>
//
// What they compute exactly, NaNs, and aggregates of one's own: aggregates.hpp. Each element costs
// O(1) amortised, O(log n) for quantiles; the window keeps its projections, not the elements.
//
// Time is that of the graph's loop when an element arrives. An element leaves when it is `interval`
// old, with the arrival of a later one: time alone emits nothing. At most {.limit = 1'000'000}
// elements are in a window over time; beyond it the oldest leave early. At most
// {.max_keys = 65'536} keys have a window each: beyond it the one that was not used for the longest
// time loses it; one whose elements have all left with time loses it too.
//
// emit() waits for downstream. A result carries the tokens of all elements of its window; the window holds
// them until they leave it or the stream ends. What a projection, a key function or an aggregate throws
// obeys the node's policy and leaves the element out.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "penstock/detail/keyed.hpp"
#include "penstock/detail/window_aggregates.hpp"
#include "penstock/detail/window_nodes.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

inline void check_bounds(const WindowBounds& bounds) {
  if (bounds.elements == 0) throw Error("window(): it must have place for at least 1 element");
  if (bounds.interval && *bounds.interval <= Duration::zero()) {
    throw Error("window(): the interval must be positive");
  }
}

inline void check_keys(const KeyOptions& options) {
  if (options.max_keys == 0) throw Error("window().by(key): max_keys must be at least 1");
}

// Explains at compile time what cannot be aggregated. Used in `if constexpr`, so that nothing else
// is tried then, and its explanation comes first.
template <class A, class P, class T>
consteval bool can_aggregate() {
  if constexpr (!Known<T>) return false;
  constexpr bool kProjects = std::is_invocable_v<const P&, const T&>;
  static_assert(kProjects,
                "a projection is a function R(const T&) or a pointer to a member of the element "
                "type of the stream");
  if constexpr (kProjects) {
    using V = ProjectionOf<P, T>;
    constexpr bool kOk = Aggregate<A, V> || OrderStatistic<A, V>;
    static_assert(kOk,
                  "an aggregate needs of(x), combine(older, newer) and result(part), all const: "
                  "see aggregates.hpp");
    return kOk;
  }
  return false;
}

}  // namespace detail

// A window for each key: what window(...).by(key) returns.
template <class T, class K>
class KeyedSlidingWindow : public detail::WindowAggregates<KeyedSlidingWindow<T, K>> {
 public:
  KeyedSlidingWindow(Stream<T> stream, detail::WindowBounds bounds, LoopRef loop, K key,
                     KeyOptions options)
      : stream_(std::move(stream)),
        bounds_(bounds),
        loop_(std::move(loop)),
        key_(std::move(key)),
        options_(options) {
    detail::check_keys(options);
  }

  // An aggregate of one's own.
  template <class A, class P = std::identity>
  auto aggregate(A aggregate, P projection = {}) const {
    constexpr bool kFits = detail::can_aggregate<A, P, T>();
    if constexpr (kFits && detail::KeyCall<K, T>::kFits) {
      using Node = detail::WindowNode<T, detail::WindowOfEachKey<T, K, A, P>>;
      return stream_.handle(stream_.template attach<Node>(
          loop_, bounds_, key_, options_.max_keys, std::move(aggregate), std::move(projection)));
    } else {
      return detail::refused_stream();
    }
  }

 private:
  Stream<T> stream_;
  detail::WindowBounds bounds_;
  LoopRef loop_;
  K key_;
  KeyOptions options_;
};

// What window(...) returns: no node yet. Each aggregate of it makes one.
template <class T>
class SlidingWindow : public detail::WindowAggregates<SlidingWindow<T>> {
 public:
  SlidingWindow(Stream<T> stream, detail::WindowBounds bounds, LoopRef loop)
      : stream_(std::move(stream)), bounds_(bounds), loop_(std::move(loop)) {
    detail::check_bounds(bounds);
  }

  // An aggregate of one's own.
  template <class A, class P = std::identity>
  auto aggregate(A aggregate, P projection = {}) const {
    if constexpr (detail::can_aggregate<A, P, T>()) {
      using Node = detail::WindowNode<T, detail::OneWindow<T, A, P>>;
      return stream_.handle(stream_.template attach<Node>(loop_, bounds_, std::move(aggregate),
                                                          std::move(projection)));
    } else {
      return detail::refused_stream();
    }
  }

  // A window for each key; key is a function of the element or a pointer to a member.
  template <class K>
  auto by(K key, KeyOptions options = {}) const {
    return KeyedSlidingWindow<T, K>(stream_, bounds_, loop_, std::move(key), options);
  }

 private:
  Stream<T> stream_;
  detail::WindowBounds bounds_;
  LoopRef loop_;
};

template <class T>
SlidingWindow<T> Stream<T>::window(std::size_t n) const {
  return {*this, {.elements = n}, {}};
}

template <class T>
SlidingWindow<T> Stream<T>::window(Interval interval) const {
  return window(interval, WindowOptions{});
}

template <class T>
SlidingWindow<T> Stream<T>::window(Interval interval, WindowOptions options) const {
  return {*this, {.elements = options.limit, .interval = interval}, options.loop};
}

}  // namespace penstock
