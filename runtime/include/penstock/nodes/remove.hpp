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
  static_assert(std::is_invocable_r_v<bool, const F&, const T&>,
                "remove() needs a predicate bool(const T&) for the element type of the stream");
  return filter(std::not_fn(std::move(predicate))).named("remove");
}

}  // namespace penstock
