// What the dashboard answers: a function of the request and the snapshot, without any network.
//
//   GET /                 302 to /status
//   GET /status           the page; its files are under /assets/
//   GET /api/v1/status    json.hpp; ?since=<milliseconds> leaves older pieces of timelines out
//   GET /metrics          metrics.hpp
//   GET /health           {"status": "ok", ...}
//
// HEAD answers as GET without the body, any other method 405, any other path 404; under /api/ with
// {"error": "..."}, else with a page.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/core/snapshot.hpp"
#include "scheduler/dashboard/http_counters.hpp"

namespace penstock::scheduler {

struct HttpRequest {
  std::string_view method;
  std::string_view target;         // path and query
  std::string_view if_none_match;  // the header field's value, empty when there is none
};

struct HttpResponse {
  int status = 200;
  std::string reason = "OK";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

// Not thread-safe. Never throws but for lack of memory, or what `snapshot` throws.
class Router {
 public:
  // A snapshot younger than `reuse` is used again, so that many viewers do not slow the scheduler.
  Router(std::function<Snapshot()> snapshot, std::function<HttpCounters()> counters,
         std::chrono::steady_clock::duration reuse);

  HttpResponse respond(const HttpRequest& request);

 private:
  const Snapshot& snapshot();
  HttpResponse route(std::string_view path, std::string_view query, const HttpRequest& request);
  HttpResponse status_api(std::string_view query);

  const std::function<Snapshot()> take_snapshot_;
  const std::function<HttpCounters()> counters_;
  const std::chrono::steady_clock::duration reuse_;
  std::optional<Snapshot> last_;
  std::chrono::steady_clock::time_point taken_;
  std::chrono::system_clock::time_point wall_;
};

}  // namespace penstock::scheduler
