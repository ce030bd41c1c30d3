// Options of the nodes that know time. A loop that is not given is that of the graph, or the default.
#pragma once

#include <cstddef>
#include <optional>

#include "penstock/loop.hpp"

namespace penstock {

struct TimeOptions {
  LoopRef loop = {};
};

struct DelayOptions {
  LoopRef loop = {};
  std::size_t limit = 65'536;  // elements on their way; emit() waits for a place beyond it
};

struct TimedWindowOptions {
  LoopRef loop = {};
  bool emit_empty = true;  // also emit when nothing arrived
};

struct PartitionOptions {
  std::optional<Duration> timeout = {};  // from the first element of a batch; then it goes out as it is
  LoopRef loop = {};
};

}  // namespace penstock
