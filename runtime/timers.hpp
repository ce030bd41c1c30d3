// The timers of one loop: a heap in one block of memory, which knows where in it each timer is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "penstock/loop.hpp"

namespace penstock {

// On the loop's thread only. Callbacks are moved, never called nor destroyed in here, so that nothing comes back
// into it meanwhile.
class Loop::Timers {
 public:
  bool empty() const { return heap_.empty(); }
  TimePoint next() const { return heap_.empty() ? TimePoint::max() : heap_.front().at; }

  // `owner`: who has several and may want to remove them all; or null.
  Timer add(TimePoint at, Callback callback, detail::OwnTimers* owner);
  bool is_next(const Timer& timer) const { return heap_.front().slot == timer.slot; }

  // What it was to call; nothing when there is no such timer any more.
  Callback remove(const Timer& timer);
  // The same of the earliest. There is one.
  Callback remove_next() { return remove_slot(heap_.front().slot); }
  std::vector<Callback> remove_all_of(detail::OwnTimers& owner);
  std::vector<Callback> remove_all();

 private:
  static constexpr std::uint32_t kNone = detail::OwnTimers::kNone;
  static constexpr std::size_t kWidth = 4;  // of the heap: less deep than with 2
  static constexpr std::size_t kKept = 64;  // slots that stay when there are no timers

  // In the heap: the earliest first, and of those of one time the one that was made first.
  struct Entry {
    TimePoint at;
    std::uint64_t number;
    std::uint32_t slot;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.at != b.at ? a.at < b.at : a.number < b.number;
    }
  };
  // Where a timer stays as long as it is there. A free one is in the row of those that are free.
  struct Slot {
    Callback callback;
    std::uint64_t number = 0;  // 0: it is free
    detail::OwnTimers* owner = nullptr;
    std::uint32_t place = 0;  // in the heap
    std::uint32_t before = kNone;  // these two: timers of the same owner
    std::uint32_t next = kNone;
  };

  std::uint32_t free_slot();
  void link(std::uint32_t slot, detail::OwnTimers& owner);
  void unlink(const Slot& slot);
  Callback remove_slot(std::uint32_t slot);
  void put(std::size_t place, const Entry& entry);
  void rise(std::size_t place, const Entry& entry);
  void sink(std::size_t place, const Entry& entry);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::uint32_t free_ = kNone;
  std::uint64_t last_number_ = 0;
};

}  // namespace penstock
