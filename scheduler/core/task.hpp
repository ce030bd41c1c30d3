// One task in flight, from its submit to its outcome.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "scheduler/core/intrusive_list.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Lane;
struct LostWorker;
struct Plan;
struct Worker;

// In the queue of its lane.
struct Waiting {};

// Sent to a worker and not finished.
struct Assigned {
  Worker* worker;
  Duration charge;  // what it added to the worker's outstanding work
  bool waits = false;  // for other tasks: then it takes nothing of that
};

// Its worker is lost and the evidence of who killed it has not come yet.
struct Suspected {
  LostWorker* lost;
};

//            submit                 dispatch
//   (none) ----------> Waiting -----------------> Assigned ----> outcome
//                         ^  ^    loss, return       |
//                         |  +-----------------------+
//                         |       report, timeout    |  loss of a supervised worker
//                         +------- Suspected <-------+
using TaskState = std::variant<Waiting, Assigned, Suspected>;

// Of a task that belongs to one worker more than to others: few do.
struct Affinity {
  std::string kept;     // what of its input is at workers; opaque
  std::string near;     // name of the worker where it should run,
  bool pinned = false;  // or must
};

struct Task {
  Hook<Task> hook;  // in the list its state names: the lane's, the worker's or the lost worker's
  absl::Cord input;
  std::unique_ptr<const Affinity> affinity;  // null: none
  Lane* lane = nullptr;  // null while the slot is free
  Plan* plan = nullptr;
  std::uint64_t client_task = 0;  // the client's own id; ascending, so it is the order of the lane
  std::uint64_t position = 0;     // in the client's TaskIndex
  TimePoint submitted;
  TaskState state;
  std::uint32_t slot = 0;
  std::uint32_t generation = 1;
  std::uint32_t attempt = 0;  // of the last dispatch
  std::uint32_t blamed = 0;   // lost workers it was running on

  TaskId id() const { return TaskId{std::uint64_t{generation} << 32 | slot}; }
  bool is_pinned() const { return affinity != nullptr && affinity->pinned; }
  bool waits() const { return std::holds_alternative<Waiting>(state); }
  const Assigned* assigned() const { return std::get_if<Assigned>(&state); }
};

using TaskList = IntrusiveList<Task, &Task::hook>;

}  // namespace penstock::scheduler
