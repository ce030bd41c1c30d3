// The log of this folder: see proto/log.hpp.
#pragma once

#include "proto/log.hpp"

namespace penstock::scheduler {

// Thread-safe; lives until the process ends.
inline spdlog::logger& log() {
  static auto* const logger = proto_log::make("scheduler");
  return *logger;
}

}  // namespace penstock::scheduler
