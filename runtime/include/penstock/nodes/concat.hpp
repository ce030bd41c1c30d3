// s.concat(): another name for flatten().
//
//   in   -[1,2]----[3]--|
//   out  -12-------3----|
#pragma once

#include "penstock/nodes/flatten.hpp"

namespace penstock {

template <class T>
auto Stream<T>::concat() const {
  return flatten().named("concat");
}

}  // namespace penstock
