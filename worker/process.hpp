// A worker process: what a program becomes when a supervisor started it. penstock::init() calls
// these.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace penstock::worker {

// Exit codes of a worker process, which its supervisor reads.
inline constexpr int kExitLeft = 0;     // it was told to stop and did
inline constexpr int kExitCut = 1;      // told twice: it stopped at once
// Codes that no program uses by itself, so that a task's exit() means what it always did.
inline constexpr int kExitRetired = 217;  // it is not wanted any more
inline constexpr int kExitStuck = 218;    // a task did not stop: it wants to be started again
inline constexpr int kExitRefused = 2;  // it cannot serve; starting it again is no use

bool started_as_worker();

// Serves until it is told to stop: SIGTERM or SIGINT. Then it hands back what waits, finishes what
// runs within the grace time, and exits; a second signal ends it at once. Dies with its supervisor.
// Exits without running static destructors, as users' functions may still be on their threads.
[[noreturn]] void run_worker_process();

// dlopens libraries with tasks. The error says which, and what to do.
absl::Status load_libraries(const std::vector<std::string>& paths);

}  // namespace penstock::worker
