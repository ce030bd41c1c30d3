// The options of penstock-scheduler: from flags, then the environment, then a file.
#pragma once

#include <string>

#include "scheduler/server.hpp"

namespace penstock::scheduler {

struct ProgramOptions {
  ServerOptions server;
  std::string log_level = "info";
};

// Prints help or what is wrong and ends the process when there is nothing to run.
ProgramOptions parse_options(int argc, const char* const* argv);

}  // namespace penstock::scheduler
