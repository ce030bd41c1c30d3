// What the worker core asks the driver to do, in this order.
#pragma once

#include <string>
#include <variant>

#include "worker/core/types.hpp"

namespace penstock::worker {

// The thread is idle, and busy from now until its ThreadFinished.
struct Execute {
  std::uint32_t thread;
  TaskId task;
  std::uint32_t attempt;
  PlanId plan;
  absl::Cord input;
  absl::Cord kept{};
  ClientId client{};
};

// What waited on this thread has a place again.
struct GoOn {
  std::uint32_t thread;
};

// No waiting task names it any more. Threads that run it keep it until they finish.
struct DropPlan {
  PlanId plan;
};

struct SendDone {
  TaskId task;
  std::uint32_t attempt;
  Result result;
  std::uint32_t thread = 0;
  Duration run{};
  std::uint32_t place = 0;  // that it had last: one of as many as the worker runs tasks at a time
};

// The task waits for other tasks, or does so no more.
struct SendWaits {
  TaskId task;
  std::uint32_t attempt;
  bool waits;
};

// Handed back unrun.
struct SendReturned {
  TaskId task;
};

// No more tasks, please. Always ahead of the tasks that are returned because of it.
struct SendLeaving {};

struct SendStatus {
  std::uint32_t running;
  std::uint32_t queued;
};

// Nothing runs any more whose outcome anybody waits for. Once, as the last action of all that send.
struct Left {};

using Action =
    std::variant<Execute, GoOn, DropPlan, SendDone, SendWaits, SendReturned, SendLeaving, SendStatus, Left>;

}  // namespace penstock::worker
