// What a supervisor tells its child, as environment variables.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace penstock::worker {

// PENSTOCK_ROLE=worker makes a program that calls penstock::init() a worker.
inline constexpr const char* kRoleVariable = "PENSTOCK_ROLE";
inline constexpr const char* kWorkerRole = "worker";

struct Environment {
  std::string scheduler = "127.0.0.1:8786";  // PENSTOCK_SCHEDULER
  std::string name;                          // PENSTOCK_WORKER_NAME, empty: made up
  unsigned threads = 0;                      // PENSTOCK_WORKER_THREADS, 0: all
  std::uint64_t memory_limit = 0;            // PENSTOCK_WORKER_MEMORY_LIMIT, bytes, 0: none
  std::string resources;                     // PENSTOCK_WORKER_RESOURCES
  std::string resource_group;                // PENSTOCK_WORKER_RESOURCE_GROUP
  // PENSTOCK_WORKER_MAX_VALUE_BYTES, of results that stay here, empty: half of the memory
  std::optional<std::uint64_t> max_value_bytes{};
  std::vector<std::string> load;             // PENSTOCK_LOAD, paths, separated by colons
  std::chrono::milliseconds grace{1500};     // PENSTOCK_GRACE_MS, to finish what runs
  int black_box_fd = -1;                     // PENSTOCK_BLACK_BOX_FD
  pid_t supervisor = 0;                      // PENSTOCK_SUPERVISOR_PID
};

using Variables = std::vector<std::pair<std::string, std::string>>;

// All of them, the role included.
Variables to_variables(const Environment& environment);

using Lookup = std::function<std::optional<std::string>(const char* name)>;

// Missing variables keep their defaults. Errors name the variable.
absl::StatusOr<Environment> read_environment(const Lookup& lookup);
// From this process, and removes them: programs that a task starts are no workers.
absl::StatusOr<Environment> take_environment();

}  // namespace penstock::worker
