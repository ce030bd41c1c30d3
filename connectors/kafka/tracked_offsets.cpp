#include "connectors/kafka/tracked_offsets.hpp"

namespace penstock::kafka {

bool TrackedOffsets::has_room() {
  std::lock_guard lock(mutex_);
  full_ = !tracker_.has_room();
  return !full_;
}

void TrackedOffsets::done(const OffsetTracker::Position* first, std::size_t count) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) tracker_.done(first[i]);
  if (!full_ || !tracker_.has_room()) return;
  full_ = false;
  room_->notify();
}

}  // namespace penstock::kafka
