#include "penstock/detail/ordered_queue.hpp"

#include <utility>

namespace penstock::detail {

void OrderedQueue::push(TicketPtr ticket, CellPtr cell) {
  {
    std::lock_guard lock(mutex_);
    if (abandoned_) return;
    items_.push_back({std::move(ticket), cell, {}});
  }
  cell->watch([self = shared_from_this()] { self->look(); });
}

void OrderedQueue::push_end(Delivery delivery) {
  {
    std::lock_guard lock(mutex_);
    if (abandoned_) return;
    items_.push_back({nullptr, nullptr, std::move(delivery)});
  }
  look();
}

// With the lock held.
bool OrderedQueue::first_is_settled() const {
  if (items_.empty()) return false;
  const auto& first = items_.front();
  return first.cell == nullptr || first.cell->settled();
}

void OrderedQueue::look() {
  {
    std::lock_guard lock(mutex_);
    if (announced_ || !first_is_settled()) return;
    announced_ = true;
  }
  ready_();
}

std::optional<OrderedQueue::Item> OrderedQueue::pop() {
  std::lock_guard lock(mutex_);
  if (!first_is_settled()) {
    announced_ = false;
    return std::nullopt;
  }
  Item item = std::move(items_.front());
  items_.pop_front();
  return item;
}

std::vector<CellPtr> OrderedQueue::abandon() {
  std::deque<Item> items;  // destroyed after the lock: tickets and deliveries call back
  std::vector<CellPtr> cells;
  {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    items.swap(items_);
  }
  for (auto& item : items) {
    if (item.cell) cells.push_back(item.cell);
  }
  return cells;
}

}  // namespace penstock::detail
