// The dashboard's HTTP server: read-only, embedded, working without any outside network.
//
//   auto dashboard = Dashboard::start({}, [&driver] { return driver.snapshot(); });
//   if (!dashboard.ok()) ...
//   log((*dashboard)->url());   // http://127.0.0.1:8787/status
//
// Whatever comes from outside is bounded: sizes of a request, time to send it, connections. What
// breaks a bound is logged (at most one line a second), counted and dropped; the server lives on.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scheduler/core/snapshot.hpp"
#include "scheduler/dashboard/http_counters.hpp"

namespace penstock::scheduler {

struct DashboardOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  // Unset: 8787 or, when it is taken, the next free one of the hundred after it, with a log line.
  // Set: exactly that one. 0: any free one.
  std::optional<std::uint16_t> port;
  std::size_t max_connections = 128;               // further ones are closed at once
  std::chrono::milliseconds read_timeout{10'000};  // for a whole request, and between two
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds reuse_snapshot{100};  // a younger one answers several requests
};

class Dashboard {
 public:
  // Serves on a thread of its own. `snapshot` is called on that thread, any time until the
  // destructor returns. Errors: InvalidArgument (address), AlreadyExists (the port is taken, the
  // message says what to do), PermissionDenied, Unavailable.
  static absl::StatusOr<std::unique_ptr<Dashboard>> start(DashboardOptions options,
                                                          std::function<Snapshot()> snapshot);

  // Cuts open connections and joins the thread. Not from within `snapshot`.
  ~Dashboard();
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  std::uint16_t port() const;
  std::string url() const;        // of the status page, as seen from this machine
  HttpCounters counters() const;  // thread-safe

 private:
  class Server;
  explicit Dashboard(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace penstock::scheduler
