#include "worker/log.hpp"

#include "proto/log.hpp"

namespace penstock::worker {

spdlog::logger& log() {
  static auto* const logger = proto_log::make("worker");
  return *logger;
}

}  // namespace penstock::worker
