#include "tests/support/simulation/event_queue.hpp"

#include <algorithm>
#include <utility>

namespace penstock::simulation {

void EventQueue::after(Duration delay, LifePtr life, Callback callback) {
  push(now_ + delay, std::move(life), std::move(callback));
}

void EventQueue::push(TimePoint at, LifePtr&& life, Callback&& callback) {
  heap_.push_back({at, scheduled_++, std::move(life), std::move(callback)});
  std::push_heap(heap_.begin(), heap_.end(), is_later);
}

bool EventQueue::run_next() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), is_later);
  Entry entry = std::move(heap_.back());
  heap_.pop_back();
  now_ = entry.at;
  if (entry.life && !entry.life->alive) return true;
  if (entry.life && entry.life->frozen_until > now_) {
    const TimePoint thaw = entry.life->frozen_until;
    push(thaw, std::move(entry.life), std::move(entry.callback));
    return true;
  }
  entry.callback();
  return true;
}

}  // namespace penstock::simulation
