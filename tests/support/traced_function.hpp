// Functions for tests of graphs that change.
#pragma once

#include <memory>

namespace penstock {

inline int same(int x) { return x; }

// A function that tells whether its node still has it.
inline auto traced(const std::shared_ptr<int>& trace) {
  return [trace](int x) {
    ++*trace;
    return x;
  };
}

}  // namespace penstock
