// Whether a new task may wait a moment for others, so that they share a message: a message costs as much
// as several short tasks. How long: proto_limits::kLongestHold.
#pragma once

#include <cstddef>

namespace penstock::client {

// A task with a larger input is sent at once.
inline constexpr std::size_t kMostHeldBytes = std::size_t{64} << 10;

struct InFlight {
  std::size_t unsettled = 0;  // tasks without an outcome, the new one included
  std::size_t unsent = 0;     // of those, how many were not sent yet; may count cancelled ones too
  unsigned threads = 0;       // of all workers; 0: not known
};

// Not while some thread of the cluster could be without a task of ours: two tasks a thread must have been
// sent. Nor when a quarter of what was sent waits already, so that messages grow with what is in flight.
inline bool may_hold(const InFlight& tasks, std::size_t input_bytes) {
  if (tasks.threads == 0 || tasks.unsent > tasks.unsettled) return false;
  const std::size_t sent = tasks.unsettled - tasks.unsent;
  return sent >= 2 * std::size_t{tasks.threads} && tasks.unsent < sent / 4 &&
         input_bytes <= kMostHeldBytes;
}

}  // namespace penstock::client
