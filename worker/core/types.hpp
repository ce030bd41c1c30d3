// The worker core's vocabulary. No I/O, no clock, no threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/cord.h"

namespace penstock::worker {

// Identities chosen by the scheduler; those of one connection mean nothing in the next.
enum class TaskId : std::uint64_t {};
enum class PlanId : std::uint64_t {};
enum class ClientId : std::uint64_t {};

using Duration = std::chrono::nanoseconds;

enum class FailureKind : std::uint8_t {
  kRaised,            // the function threw
  kCodeNotAvailable,  // the plan names a function that this process does not have
  kBadArguments,      // the input could not be decoded, or the result not encoded
  kRefused,           // names an unknown plan, or the result is too large
  kTimedOut,          // it ran for longer than its plan allows
  kInputLost,         // a value that it needs cannot be read where it was
};

struct Failure {
  FailureKind kind = FailureKind::kRaised;
  std::string type;  // of the exception
  std::string text;  // what(), or the worker's explanation
  std::string task;  // the stage that failed, empty when none ran
  std::vector<std::uint32_t> lost_inputs = {};  // kInputLost: which of those that were kept, from 0

  friend bool operator==(const Failure&, const Failure&) = default;
};

class StoredValue;

// The value stays on this worker.
struct Kept {
  std::shared_ptr<const StoredValue> value;
};

// The encoded value, what went wrong, or where the value is.
using Result = std::variant<std::string, Failure, Kept>;

// Tasks that may wait for one thread: twice what a scheduler prefetches at most.
inline constexpr std::size_t kMaxQueuedPerThread = 8192;

// Tasks that may wait for other tasks at a time, each on a thread of its own.
inline constexpr std::size_t kMaxWaitingTasks = 1000;

// Idle threads beyond those that run tasks, for the next that wait; more of them end.
inline constexpr std::size_t kMaxSpareThreads = 8;

struct CoreOptions {
  std::uint32_t threads = 1;                     // tasks that run at a time; at least 1
  std::size_t max_queued = kMaxQueuedPerThread;  // tasks; further ones are returned unrun
};

}  // namespace penstock::worker
