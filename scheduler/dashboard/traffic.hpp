// The server's memory of its connections and its counters, apart from RESTinio's templates.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "scheduler/dashboard/http_counters.hpp"
#include "scheduler/warnings.hpp"

namespace penstock::scheduler {

// All but counters() is for the HTTP thread alone. `now` never goes back.
class Traffic {
 public:
  using Clock = std::chrono::steady_clock;

  Traffic(std::size_t max_connections, Clock::duration read_timeout)
      : max_connections_(max_connections), read_timeout_(read_timeout) {}

  // Whether one more connection may be opened; a refusal is counted.
  bool admit(Clock::time_point now);

  void opened(std::uint64_t connection, Clock::time_point now);
  void answered(std::uint64_t connection, int status);

  // A connection that never sent a whole request in all its time was too slow: counted as dropped.
  void closed(std::uint64_t connection, Clock::time_point now);

  // A connection ended by an error: garbage, over a limit, cut off.
  void dropped(std::string_view why, Clock::time_point now);

  void reopened() { ++counters_.reopened; }

  HttpCounters counters() const;  // thread-safe

 private:
  struct Connection {
    Clock::time_point opened;
    bool answered = false;
  };
  struct AtomicCounters {
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> client_errors = 0;
    std::atomic<std::uint64_t> server_errors = 0;
    std::atomic<std::uint64_t> dropped_requests = 0;
    std::atomic<std::uint64_t> refused_connections = 0;
    std::atomic<std::uint64_t> reopened = 0;
    std::atomic<std::uint64_t> open_connections = 0;
  };

  const std::size_t max_connections_;
  const Clock::duration read_timeout_;
  std::unordered_map<std::uint64_t, Connection> connections_;
  Warnings warnings_{"dashboard"};
  AtomicCounters counters_;
};

}  // namespace penstock::scheduler
