// The offsets of a consumer, for its loop and for the threads on which tokens are released.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "connectors/kafka/event_fd.hpp"
#include "connectors/kafka/offset_tracker.hpp"

namespace penstock::kafka {

// Tokens are released on any thread, and later than the consumer goes.
class TrackedOffsets {
 public:
  TrackedOffsets(std::size_t limit, std::shared_ptr<EventFd> room)
      : tracker_(limit), room_(std::move(room)) {}

  // False: `room` is notified when there is room again.
  bool has_room();
  void done(const OffsetTracker::Position* first, std::size_t count);

  template <class F>
  auto with(F function) {
    std::lock_guard lock(mutex_);
    return function(tracker_);
  }

 private:
  std::mutex mutex_;
  OffsetTracker tracker_;
  bool full_ = false;  // someone waits for room
  const std::shared_ptr<EventFd> room_;
};

}  // namespace penstock::kafka
