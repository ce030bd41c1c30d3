// s.remove(predicate): drops the elements for which predicate(x) is true; the others pass. The reverse of
// filter().
//
//   in   -1--2--3--4--|
//   out  -1-----3-----|      remove(x is even)
//
// Back-pressure, tokens and errors are as in filter.hpp.
#pragma once

#include "penstock/nodes/filter.hpp"

namespace penstock {

template <class T>
template <class F>
Stream<T> Stream<T>::remove(F predicate) const {
  constexpr bool kFits = std::is_invocable_r_v<bool, const F&, const T&>;
  static_assert(kFits || !detail::Known<T>,
                "remove() needs a predicate bool(const T&) for the element type of the stream");
  if constexpr (kFits) {
    return filter(std::not_fn(std::move(predicate))).named("remove");
  } else {
    return *this;
  }
}

}  // namespace penstock
