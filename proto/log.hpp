// How every part of a cluster logs: plain sentences on standard error, for standard output belongs to
// the programs that Penstock is part of. Not spdlog's registry: they have their own loggers there.
#pragma once

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace penstock::proto_log {

// Names the least severe level that is logged. Worker processes inherit it.
inline constexpr const char* kEnvironment = "PENSTOCK_LOG_LEVEL";

// Warnings and errors unless the environment says otherwise; programs of their own set it to "info".
// Never destroyed: threads may log while the process exits.
inline spdlog::logger* make(const char* name) {
  auto* logger = new spdlog::logger(name, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %n: %v");
  const char* level = std::getenv(kEnvironment);
  logger->set_level(level == nullptr ? spdlog::level::warn : spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace penstock::proto_log
