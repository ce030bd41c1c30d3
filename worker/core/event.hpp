// What can happen to the worker core.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "worker/core/types.hpp"

namespace penstock::worker {

// A scheduler has welcomed this worker: a new session begins, with no plans and no tasks.
struct Connected {};

// The session ended. Whatever it brought is dropped: the scheduler dispatches it again.
struct Disconnected {};

// Tasks may name this plan from now on. The driver keeps what it runs.
struct PlanArrived {
  PlanId plan;
};

// No later task names it; tasks that wait already may still run it.
struct PlanForgotten {
  PlanId plan;
};

struct TaskArrived {
  TaskId task;
  std::uint32_t attempt;
  PlanId plan;
  absl::Cord input;
  absl::Cord kept{};  // values that belong into the input: opaque to the core
  ClientId client{};
};

// Do not start them. One event for all cancels of a message, as each costs a walk along the queue.
struct TasksCancelled {
  std::vector<TaskId> tasks;
};

// The thread that was given Execute is done with it.
struct ThreadFinished {
  std::uint32_t thread;
  Result result;
  Duration run{};
};

// What the thread runs waits for other tasks: its place is free for one more.
struct ThreadWaits {
  std::uint32_t thread;
};

// It wants a place again.
struct ThreadWantsOn {
  std::uint32_t thread;
};

// It goes on without one, to its end: it was asked to stop.
struct ThreadGoesOn {
  std::uint32_t thread;
};

// What the thread runs goes on although it was asked to stop: do not wait for it any more.
struct TaskOverdue {
  std::uint32_t thread;
  Failure failure;
};

// Stop: hand back what waits, finish what runs. Final.
struct LeaveRequested {};

// Time for a heartbeat.
struct StatusDue {};

using Event = std::variant<Connected, Disconnected, PlanArrived, PlanForgotten, TaskArrived,
                           TasksCancelled, ThreadFinished, ThreadWaits, ThreadWantsOn, ThreadGoesOn, TaskOverdue, LeaveRequested, StatusDue>;

}  // namespace penstock::worker
