// s.scan(...): another name for accumulate(), with the same arguments.
//
//   in   -1--2--3--|
//   out  -1--3--6--|      scan(a + b)
//
// Back-pressure and errors are as in accumulate.hpp.
#pragma once

#include "penstock/nodes/accumulate.hpp"

namespace penstock {

template <class T>
template <class... Arguments>
auto Stream<T>::scan(Arguments... arguments) const {
  return accumulate(std::move(arguments)...).named("scan");
}

}  // namespace penstock
