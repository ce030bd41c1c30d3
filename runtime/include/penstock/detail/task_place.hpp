// Where the calling thread runs a task: for this_task.hpp, and for errors that a task reports inside its own
// result.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "penstock/detail/export.hpp"

namespace penstock::detail {

struct TaskPlace {
  std::string worker;         // its name; empty on threads that are no worker's
  std::uint32_t attempt = 0;  // 1 for the first
  const std::stop_source* stop = nullptr;  // of the task; null on threads that are no worker's
};

// The calling thread's own. Set by the worker before each task.
PENSTOCK_EXPORT TaskPlace& task_place();

}  // namespace penstock::detail
