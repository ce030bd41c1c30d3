// The queue of one client's waiting tasks of one priority that need the same modules. Strict order of
// submit, also after tasks came back from a lost worker.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/deadlines.hpp"
#include "scheduler/core/task.hpp"

namespace penstock::scheduler {

struct Client;
struct Requirement;

struct LaneWait {   // nobody can run the lane's tasks
  bool any_worker;  // there are workers, but none with the code
  bool uploading;   // its client's program is on its way to hosts
  TimePoint began;
  Deadlines::Key deadline;
};

struct Lane {
  Client* client = nullptr;
  Requirement* requirement = nullptr;
  std::int32_t priority = 0;
  std::uint64_t references = 0;  // the client's plans and tasks

  TaskList waiting;      // ascending by the client's ids
  Task* hint = nullptr;  // where a task came back last

  // While tasks wait, the lane is in its requirement's ring.
  Hook<Lane> hook;
  std::uint64_t placed = 0;       // moment it was put at the end of the ring
  std::uint64_t client_turn = 0;  // the client's at that moment

  std::optional<LaneWait> wait;

  void add_new(Task& task);   // above all others
  void put_back(Task& task);  // to its place in the order; cheap near the last one put back
  void remove(Task& task);
};

using LaneRing = IntrusiveList<Lane, &Lane::hook>;

}  // namespace penstock::scheduler
