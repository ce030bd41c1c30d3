// Where the calling thread runs a task: for this_task.hpp, and for errors that a task reports inside its own
// result.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/export.hpp"

namespace penstock::detail {

class TaskHost;

struct TaskPlace {
  std::string worker;         // its name; empty on threads that are no worker's
  std::uint32_t attempt = 0;  // 1 for the first
  std::uint64_t client = 0;   // whose task it is
  std::int32_t priority = 0;  // TaskOptions::priority
  const std::stop_source* stop = nullptr;  // of the task; null on threads that are no worker's
  TaskHost* host = nullptr;                // the same
  bool waits = false;                      // for other tasks
  // What the task has submitted: a TaskPort and a Cell each.
  std::vector<std::pair<std::weak_ptr<void>, std::weak_ptr<void>>> submitted;
};

// The calling thread's own. Set by the worker before each task.
PENSTOCK_EXPORT TaskPlace& task_place();

}  // namespace penstock::detail
