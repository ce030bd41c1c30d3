// What the dashboard's HTTP server counts about itself. "Dropped" and "refused" came from outside
// and were harmless.
#pragma once

#include <cstdint>

namespace penstock::scheduler {

struct HttpCounters {
  std::uint64_t requests = 0;             // answered, whatever the status
  std::uint64_t client_errors = 0;        // of them, with a status of 4xx
  std::uint64_t server_errors = 0;        // of them, with a status of 5xx
  std::uint64_t dropped_requests = 0;     // garbage, over a limit, too slow or cut off: no answer
  std::uint64_t refused_connections = 0;  // closed at once because too many were open
  std::uint64_t reopened = 0;             // times the listening socket had to be opened again
  std::uint64_t open_connections = 0;     // now
};

}  // namespace penstock::scheduler
