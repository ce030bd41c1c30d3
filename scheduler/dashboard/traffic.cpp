#include "scheduler/dashboard/traffic.hpp"

#include <string>

namespace penstock::scheduler {
bool Traffic::admit(Clock::time_point now) {
  if (connections_.size() < max_connections_) return true;
  ++counters_.refused_connections;
  warnings_.warn("refused a connection, too many are open", now);
  return false;
}

void Traffic::opened(std::uint64_t connection, Clock::time_point now) {
  connections_.emplace(connection, Connection{now});
  counters_.open_connections = connections_.size();
}

void Traffic::answered(std::uint64_t connection, int status) {
  ++counters_.requests;
  if (status >= 500) {
    ++counters_.server_errors;
  } else if (status >= 400) {
    ++counters_.client_errors;
  }
  const auto found = connections_.find(connection);
  if (found != connections_.end()) found->second.answered = true;
}

void Traffic::closed(std::uint64_t connection, Clock::time_point now) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  const Connection& known = found->second;
  if (!known.answered && now - known.opened >= read_timeout_) dropped("too slow", now);
  connections_.erase(found);
  counters_.open_connections = connections_.size();
}

void Traffic::dropped(std::string_view why, Clock::time_point now) {
  ++counters_.dropped_requests;
  warnings_.warn("dropped a request: " + std::string(why), now);
}

HttpCounters Traffic::counters() const {
  return {counters_.requests,         counters_.client_errors,       counters_.server_errors,
          counters_.dropped_requests, counters_.refused_connections, counters_.reopened,
          counters_.open_connections};
}

}  // namespace penstock::scheduler
