#include "penstock/detail/downstreams.hpp"

#include <algorithm>
#include <mutex>

#include "penstock/detail/graph.hpp"
#include "penstock/detail/node.hpp"

namespace penstock::detail {

Downstreams::~Downstreams() = default;

void Downstreams::connect(Upstreams* inlet, NodeBase& owner) {
  const std::lock_guard lock(shape_mutex());
  check_not_destroyed(*owner.life());
  check_not_destroyed(*inlet->node().life());
  owner_ = &owner;
  auto list = std::make_unique<List>(entries());
  const bool counted = !ended_;  // an end that is over will not come again
  inlet->add_upstream(*this, counted);
  list->push_back({inlet, counted});
  replace(std::move(list));
}

bool Downstreams::disconnect(Upstreams* inlet) {
  const std::lock_guard lock(shape_mutex());
  auto list = std::make_unique<List>(entries());
  const auto found = std::find_if(list->rbegin(), list->rend(),
                                  [&](const Entry& entry) { return entry.inlet == inlet; });
  if (found == list->rend()) return false;
  inlet->remove_upstream(*this, found->counted, ended_);
  list->erase(std::next(found).base());
  replace(std::move(list));
  return true;
}

void Downstreams::disconnect_all(Upstreams* inlet) {
  auto list = std::make_unique<List>();
  for (const Entry& entry : entries()) {
    if (entry.inlet == inlet) {
      inlet->remove_upstream(*this, entry.counted, ended_);
    } else {
      list->push_back(entry);
    }
  }
  replace(std::move(list));
}

void Downstreams::disconnect_all() {
  for (const Entry& entry : entries()) entry.inlet->remove_upstream(*this, entry.counted, ended_);
  replace(std::make_unique<List>());
}

const std::vector<Downstreams::Entry>& Downstreams::entries() const {
  static const List none;
  return owned_ ? *owned_ : none;
}

// With the lock held. Whoever begins a walk after the store sees the new list; so when nobody walks
// then, nobody is in the old ones. (All of this is sequentially consistent for that reason.)
void Downstreams::replace(std::unique_ptr<const List> list) {
  if (owned_) replaced_.push_back(std::move(owned_));
  owned_ = std::move(list);
  only_.store(owned_->size() == 1 ? owned_->front().inlet : nullptr);
  current_.store(owned_.get());
  any_replaced_ = true;
  if (walkers_ == 0) {
    replaced_.clear();
    any_replaced_ = false;
  }
}

void Downstreams::drop_replaced() {
  const std::lock_guard lock(shape_mutex());
  if (walkers_ != 0) return;  // the last of them comes here too
  replaced_.clear();
  any_replaced_ = false;
}

std::size_t Downstreams::count() const {
  const std::lock_guard lock(shape_mutex());
  return entries().size();
}

void Downstreams::end(Delivery& delivery) {
  if (ended_.exchange(true)) return;
  each([&](Upstreams* inlet, bool) { inlet->end(delivery); });
}

}  // namespace penstock::detail
