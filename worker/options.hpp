// The command line of penstock-worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace penstock::worker {

struct ProgramOptions {
  std::string scheduler;  // host:port, the default port filled in
  std::string app;        // empty: only libraries, or uploads
  std::vector<std::string> app_args;
  std::vector<std::string> load;
  unsigned threads = 0;            // of each worker, 0: one for each hardware thread
  std::string name;                // empty: host and process id
  std::uint64_t memory_limit = 0;  // of each worker, bytes, 0: none
  std::string resources;           // of each worker
  // Of results that stay at each worker. Empty: half of the memory limit, without one half of the machine's memory
  std::optional<std::uint64_t> max_value_bytes;
  std::string token;  // the scheduler's secret
  unsigned workers = 1;
  bool accept_uploads = false;  // runs programs of clients
  unsigned max_programs = 4;    // of them at one time
  std::string log_level = "info";
};

struct ParsedOptions {
  std::optional<ProgramOptions> options;  // empty: print the text and exit
  int exit_code = 0;
  std::string text;
};

// From arguments, then the environment (PENSTOCK_SCHEDULER ...), then the file that --config names.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace penstock::worker
