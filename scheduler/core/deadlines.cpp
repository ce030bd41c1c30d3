#include "scheduler/core/deadlines.hpp"

#include <penstock/detail/check.hpp>

namespace penstock::scheduler {

Deadlines::Key Deadlines::add(TimePoint when, Deadline deadline) {
  const Key key{when, ++added_};
  deadlines_.emplace(key, deadline);
  return key;
}

void Deadlines::cancel(const Key& key) { PENSTOCK_CHECK(deadlines_.erase(key) == 1); }

std::optional<TimePoint> Deadlines::next() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first.first;
}

std::optional<Deadline> Deadlines::take_due(TimePoint now) {
  if (deadlines_.empty() || deadlines_.begin()->first.first > now) return std::nullopt;
  const Deadline due = deadlines_.begin()->second;
  deadlines_.erase(deadlines_.begin());
  return due;
}

}  // namespace penstock::scheduler
