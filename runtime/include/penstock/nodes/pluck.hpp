// s.pluck<I>():          item I of tuples, pairs and arrays
// s.pluck(i):            item i of random access ranges; std::out_of_range when an element is too short
// s.pluck(key):          the value of a key in maps; std::out_of_range when an element has no such key
// s.pluck(&T::member):   a member, or what a member function without arguments returns
// With several of them each element becomes a std::tuple of the parts: s.pluck(&Quote::time, &Quote::price).
//
//   in   -(1,a)--(2,b)--|
//   out  -a------b------|      pluck<1>()
//
// Parts are copied. emit() waits for downstream. std::out_of_range obeys the node's policy.
#pragma once

#include "penstock/detail/plucker.hpp"
#include "penstock/nodes/map.hpp"

namespace penstock {

template <class T>
template <std::size_t... kIndices>
  requires(sizeof...(kIndices) > 0)
auto Stream<T>::pluck() const {
  static_assert(detail::TupleLike<T> || !detail::Known<T>,
                "pluck<I>() needs elements like std::tuple, std::pair or std::array; say "
                "pluck(i) for others");
  constexpr bool kThere = ((kIndices < detail::most_items<T>()) && ...);
  static_assert(kThere, "pluck<I>(): the elements of the stream have fewer items");
  if constexpr (detail::TupleLike<T> && kThere) {
    return map(detail::Plucker<detail::PluckElement<kIndices>...>{}).named("pluck");
  } else {
    return detail::refused_stream();
  }
}

template <class T>
template <class... Parts>
  requires(sizeof...(Parts) > 0)
auto Stream<T>::pluck(Parts... parts) const {
  constexpr bool kFits = (detail::can_pluck<T, Parts>() && ...);
  static_assert(kFits || !detail::Known<T>,
                "pluck() takes an index for random access ranges, a key for maps, or a pointer to a "
                "member; for tuples and pairs say pluck<0>()");
  if constexpr (kFits) {
    using Plucker = detail::Plucker<decltype(detail::make_pluck<T>(std::move(parts)))...>;
    return map(Plucker{{detail::make_pluck<T>(std::move(parts))...}}).named("pluck");
  } else {
    return detail::refused_stream();
  }
}

}  // namespace penstock
