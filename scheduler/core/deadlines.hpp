// Everything the core waits for, ordered by time; at equal times in the order of adding.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Lane;
struct LostWorker;
struct Program;

struct HeartbeatDue {};
struct LaneWaitOver {  // nobody came to run the tasks of this lane
  Lane* lane;
};
struct ExitReportOverdue {  // the supervisor's evidence did not come
  LostWorker* lost;
};
struct ProgramOverdue {  // its client does not send it
  Program* program;
};
struct ProgramIdle {  // nobody came back for whom it ran
  Program* program;
};
using Deadline = std::variant<HeartbeatDue, LaneWaitOver, ExitReportOverdue, ProgramOverdue, ProgramIdle>;

class Deadlines {
 public:
  using Key = std::pair<TimePoint, std::uint64_t>;

  Key add(TimePoint when, Deadline deadline);
  void cancel(const Key& key);

  std::optional<TimePoint> next() const;
  std::optional<Deadline> take_due(TimePoint now);  // the earliest that is due, and forgets it
  bool contains(const Key& key) const { return deadlines_.contains(key); }
  std::size_t size() const { return deadlines_.size(); }

 private:
  std::map<Key, Deadline> deadlines_;
  std::uint64_t added_ = 0;
};

}  // namespace penstock::scheduler
