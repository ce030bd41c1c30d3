// Options of nodes. A loop that is not given is that of the graph, or the default.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

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
  bool emit_empty = true;  // also emit when nothing arrived; without, an idle node has no timer
};

struct PartitionOptions {
  std::optional<Duration> timeout = {};  // from the first element of a batch; then it goes out as it is
  LoopRef loop = {};
};

// Which of the elements with one key a window keeps.
enum class Keep {
  kFirst,  // those that come later are dropped
  kLast,   // it takes the place of the earlier one, and moves to the end
};

struct UniqueOptions {
  // Keys that are remembered; beyond it the one forgotten is that which has not come for the longest
  // time. None: all are remembered, and memory grows with every new key.
  std::optional<std::size_t> maxsize = {};
};

struct TextFileOptions {
  bool truncate = false;           // start with an empty file; else lines are appended
  std::string end_of_line = "\n";
  std::size_t buffer_bytes = 0;    // that may wait to be written together; none: each line at once
};

struct ZipOptions {
  std::size_t maxsize = 10;  // elements that one input may be ahead; at least 1
};

struct CombineLatestOptions {
  std::vector<std::size_t> emit_on = {};  // the inputs that cause an emission, counted from 0; none: all
};

struct WindowOptions {
  LoopRef loop = {};
  std::size_t limit = 1'000'000;  // elements in a window; beyond it the oldest leave early
};

struct KeyOptions {
  // Beyond it the key that was not used for the longest time is forgotten with all that it has.
  std::size_t max_keys = 65'536;
};

}  // namespace penstock
