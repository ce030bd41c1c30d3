// s.timed_window_unique(interval, key, keep): every `interval`, the elements with distinct keys that came
// since the last time; without a key function the element is its key.
//
//   in   -1--2-1------4---|
//   out  ----------[1,2]--[4]|      every 10, Keep::kFirst
//   out  ----------[2,1]--[4]|      every 10, Keep::kLast
//
// Keep::kFirst drops an element whose key is in the window already; with Keep::kLast it takes the place of
// the earlier one, which is dropped, and moves to the end. What key throws obeys the node's policy.
// Everything else is as in timed_window.hpp.
#pragma once

#include "penstock/nodes/timed_window.hpp"

namespace penstock {

template <class T>
template <class Key>
Stream<std::vector<T>> Stream<T>::timed_window_unique(Interval interval, Key key, Keep keep,
                                                      TimedWindowOptions options) const {
  if (interval <= Duration::zero()) {
    throw Error("timed_window_unique(): the interval must be positive");
  }
  using Elements = detail::DistinctElements<T, Key>;
  auto& made = attach<detail::TimedWindowNode<T, Elements>>(interval, options,
                                                            Elements(std::move(key), keep));
  return handle(made).named("timed_window_unique");
}

}  // namespace penstock
