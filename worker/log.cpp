#include "worker/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace penstock::worker {

spdlog::logger& log() {
  // Not spdlog's registry: the program that embeds a worker has its own loggers there. Never
  // destroyed, as threads may log while the program exits.
  static auto* const logger = [] {
    auto* made = new spdlog::logger("worker", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

}  // namespace penstock::worker
