#include "runtime/timers.hpp"

#include <algorithm>
#include <utility>

namespace penstock {

Loop::Timer Loop::Timers::add(TimePoint at, Callback callback, detail::OwnTimers* owner) {
  heap_.emplace_back();  // what may throw comes first
  std::uint32_t index = kNone;
  try {
    index = free_slot();
  } catch (...) {
    heap_.pop_back();
    throw;
  }
  Slot& slot = slots_[index];
  slot.callback = std::move(callback);
  slot.number = ++last_number_;
  if (owner != nullptr) link(index, *owner);
  rise(heap_.size() - 1, {at, slot.number, index});
  return {slot.number, index};
}

Loop::Callback Loop::Timers::remove(const Timer& timer) {
  const bool there =
      timer.number != 0 && timer.slot < slots_.size() && slots_[timer.slot].number == timer.number;
  return there ? remove_slot(timer.slot) : Callback();
}

std::vector<Loop::Callback> Loop::Timers::remove_all_of(detail::OwnTimers& owner) {
  std::vector<Callback> removed;
  for (auto slot = owner.first(); slot != kNone; slot = owner.first()) removed.push_back(remove_slot(slot));
  return removed;
}

std::vector<Loop::Callback> Loop::Timers::remove_all() {
  std::vector<Callback> removed;
  while (!empty()) removed.push_back(remove_slot(heap_.back().slot));
  return removed;
}

std::uint32_t Loop::Timers::free_slot() {
  if (free_ == kNone) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  return std::exchange(free_, slots_[free_].next);
}

void Loop::Timers::link(std::uint32_t index, detail::OwnTimers& owner) {
  Slot& slot = slots_[index];
  slot.owner = &owner;
  slot.before = kNone;
  slot.next = owner.first();
  if (slot.next != kNone) slots_[slot.next].before = index;
  owner.set_first(index);
}

void Loop::Timers::unlink(const Slot& slot) {
  if (slot.next != kNone) slots_[slot.next].before = slot.before;
  if (slot.before != kNone) {
    slots_[slot.before].next = slot.next;
  } else {
    slot.owner->set_first(slot.next);
  }
}

Loop::Callback Loop::Timers::remove_slot(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.owner != nullptr) unlink(slot);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (slot.place < heap_.size()) {
    const bool earlier = slot.place > 0 && last < heap_[(slot.place - 1) / kWidth];
    earlier ? rise(slot.place, last) : sink(slot.place, last);
  }
  Callback callback = std::move(slot.callback);
  slot.callback = nullptr;
  slot.number = 0;
  slot.owner = nullptr;
  slot.next = std::exchange(free_, index);
  if (heap_.empty() && slots_.size() > kKept) {
    heap_ = std::vector<Entry>();
    slots_ = std::vector<Slot>();
    free_ = kNone;
  }
  return callback;
}

void Loop::Timers::put(std::size_t place, const Entry& entry) {
  heap_[place] = entry;
  slots_[entry.slot].place = static_cast<std::uint32_t>(place);
}

// From a free place up to where it belongs.
void Loop::Timers::rise(std::size_t place, const Entry& entry) {
  while (place > 0) {
    const std::size_t above = (place - 1) / kWidth;
    if (!(entry < heap_[above])) break;
    put(place, heap_[above]);
    place = above;
  }
  put(place, entry);
}

void Loop::Timers::sink(std::size_t place, const Entry& entry) {
  for (;;) {
    const std::size_t first = kWidth * place + 1;
    if (first >= heap_.size()) break;
    const auto begin = heap_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(kWidth, heap_.size() - first);
    const auto below = std::min_element(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (!(*below < entry)) break;
    put(place, *below);
    place = static_cast<std::size_t>(below - heap_.begin());
  }
  put(place, entry);
}

}  // namespace penstock
