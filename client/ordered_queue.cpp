#include "penstock/detail/ordered_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock::detail {

void OrderedQueue::push(TicketPtr ticket, CellPtr cell, std::uint64_t key) {
  {
    std::lock_guard lock(mutex_);
    if (abandoned_) return;
    Item item{std::move(ticket), cell, {}};
    if (by_ == By::kArrival) {
      items_.push_back(std::move(item));
    } else {
      ++last_number_;
      if (by_ == By::kCompletion) key = last_number_;
      pending_.emplace(std::pair{key, last_number_}, std::move(item));
    }
  }
  if (by_ == By::kArrival) {
    cell->watch([self = shared_from_this()] { self->look(); });
  } else {
    cell->watch([self = shared_from_this(), key] { self->completed(key); });
  }
}

// One of this key.
void OrderedQueue::completed(std::uint64_t key) {
  {
    std::lock_guard lock(mutex_);
    // The end stays behind all elements.
    const bool ended = !items_.empty() && items_.back().cell == nullptr;
    auto first = pending_.lower_bound({key, 0});
    while (first != pending_.end() && first->first.first == key && first->second.cell->settled()) {
      items_.insert(ended ? std::prev(items_.end()) : items_.end(), std::move(first->second));
      first = pending_.erase(first);
    }
  }
  look();
}

void OrderedQueue::push_mark(std::string value) {
  {
    std::lock_guard lock(mutex_);
    if (abandoned_) return;
    items_.push_back({nullptr, std::make_shared<Cell>(Outcome{std::move(value), nullptr, {}}), {}, true});
  }
  look();
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
  return first.cell == nullptr ? pending_.empty() : first.cell->settled();
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

std::size_t OrderedQueue::size() const {
  std::lock_guard lock(mutex_);
  const auto is_element = [](const Item& item) { return item.cell != nullptr; };
  return pending_.size() + static_cast<std::size_t>(std::count_if(items_.begin(), items_.end(), is_element));
}

std::vector<CellPtr> OrderedQueue::abandon() {
  std::deque<Item> items;  // destroyed after the lock: tickets and deliveries call back
  std::vector<CellPtr> cells;
  {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    items.swap(items_);
    for (auto& [key, item] : pending_) items.push_back(std::move(item));
    pending_.clear();
  }
  for (auto& item : items) {
    if (item.cell) cells.push_back(item.cell);
  }
  return cells;
}

}  // namespace penstock::detail
