// The worker's log: plain sentences on standard error. Standard output belongs to the users'
// functions.
#pragma once

#include <spdlog/spdlog.h>

namespace penstock::worker {

// Thread-safe; lives until the process ends.
spdlog::logger& log();

}  // namespace penstock::worker
