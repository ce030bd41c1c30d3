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
  if constexpr (detail::check_pluck<T, kIndices...>()) {
    return map(detail::Plucker<detail::PluckElement<kIndices>...>{}).named("pluck");
  } else {
    return detail::refused_stream();
  }
}

template <class T>
template <class... Parts>
  requires(sizeof...(Parts) > 0)
auto Stream<T>::pluck(Parts... parts) const {
  if constexpr (detail::check_pluck<T, Parts...>()) {
    return map(detail::make_plucker<T>(std::move(parts)...)).named("pluck");
  } else {
    return detail::refused_stream();
  }
}

}  // namespace penstock
