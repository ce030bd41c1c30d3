// s.frequencies(): after each element, how often each distinct element has come so far.
//
//   in   -a-----b---------a---------|
//   out  -{a:1}-{a:1,b:1}-{a:2,b:1}-|
//
// A std::unordered_map<T, std::size_t> where T has std::hash, else a std::map. It is passed on
// where it is and copied only by who keeps it. It grows with the distinct elements: map() what has
// too many of them, to a bucket or a rounded number, before. emit() waits for downstream.
#pragma once

#include "penstock/detail/keyed.hpp"
#include "penstock/nodes/accumulate.hpp"

namespace penstock {

template <class T>
using Frequencies = detail::KeyMap<T, std::size_t>;

template <class T>
auto Stream<T>::frequencies() const {
  static_assert(detail::Hashable<T> || detail::Ordered<T>,
                "frequencies() counts elements that have std::hash and ==, or <: map() others to a "
                "std::string or a number");
  return accumulate([](Frequencies<T>& counts, const T& element) { ++counts[element]; },
                    Frequencies<T>())
      .named("frequencies");
}

}  // namespace penstock
