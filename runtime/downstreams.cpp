#include "penstock/detail/downstreams.hpp"

#include <algorithm>
#include <mutex>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/detail/node.hpp"

namespace penstock::detail {

Downstreams::~Downstreams() {
  drop_all_replaced();
  delete current_.load();
}

void Downstreams::connect(Upstreams* inlet, OutletBase& outlet) {
  const std::lock_guard lock(shape_mutex());
  check_not_destroyed(*outlet.node().life());
  check_not_destroyed(*inlet->node().life());
  const bool counted = !ended_;  // an end that is over will not come again
  Entries changed = entries();
  changed.push_back({inlet, counted});
  inlet->add_upstream(outlet, counted);
  replace(std::move(changed));
}

bool Downstreams::disconnect(Upstreams* inlet, OutletBase& outlet) {
  const std::lock_guard lock(shape_mutex());
  Entries changed = entries();
  const auto found = std::find_if(changed.rbegin(), changed.rend(),
                                  [&](const Entry& entry) { return entry.inlet == inlet; });
  if (found == changed.rend()) return false;
  inlet->remove_upstream(outlet, found->counted, ended_);
  changed.erase(std::next(found).base());
  replace(std::move(changed));
  return true;
}

void Downstreams::disconnect_all(Upstreams* inlet, OutletBase& outlet) {
  Entries left;
  for (const Entry& entry : entries()) {
    if (entry.inlet == inlet) {
      inlet->remove_upstream(outlet, entry.counted, ended_);
    } else {
      left.push_back(entry);
    }
  }
  replace(std::move(left));
}

void Downstreams::disconnect_all(OutletBase& outlet) {
  for (const Entry& entry : entries()) entry.inlet->remove_upstream(outlet, entry.counted, ended_);
  replace({});
}

Downstreams::Entries Downstreams::entries() const {
  if (const List* list = current_.load()) return list->entries;
  Upstreams* const only = only_.load();
  return only != nullptr ? Entries{{only, only_counted_}} : Entries();
}

// With the lock held. Whoever begins a walk after the store sees the new list; so when nobody walks
// then, nobody is in the old ones. (All of this is sequentially consistent for that reason.)
void Downstreams::replace(Entries entries) {
  note_new_shape();
  Upstreams* const only = entries.size() == 1 ? entries.front().inlet : nullptr;
  if (current_.load() == nullptr && entries.size() <= 1) {
    only_counted_ = only != nullptr && entries.front().counted;
    only_.store(only);
    return;
  }
  auto list = std::make_unique<List>();
  list->entries = std::move(entries);
  list->replaced.reset(current_.load());
  current_.store(list.release());  // first: who sees no only one any more finds it
  only_.store(only);
  any_replaced_ = true;
  if (walkers_ == 0) drop_all_replaced();
}

void Downstreams::drop_replaced() {
  const std::lock_guard lock(shape_mutex());
  if (walkers_ == 0) drop_all_replaced();  // else the last of them comes here too
}

void Downstreams::drop_all_replaced() {
  List* list = current_.load();
  // One by one: each would else free the one before it, as deep as there are many.
  auto old = list != nullptr ? std::move(list->replaced) : nullptr;
  while (old) old = std::move(old->replaced);
  any_replaced_ = false;
}

std::size_t Downstreams::count() const {
  const std::lock_guard lock(shape_mutex());
  return entries().size();
}

void Upstreams::end_if_all_had_ended() {
  if (upstreams_ > 0) return;
  NodeBase& of = node();
  const auto end = [this, &of] {
    Delivery delivery;
    if (upstreams_ == 0) all_ended(delivery);  // else one came meanwhile
    report_when_over(of, std::move(delivery));
  };
  Loop* const loop = of.loop();
  if (loop != nullptr && !loop->on_loop_thread()) {
    loop->post(of.while_alive([end, flight = Flight(of.graph())] { end(); }));
  } else {
    const InlineEmit scope;
    end();
  }
}

void Downstreams::end(Delivery& delivery) {
  if (ended_.exchange(true)) return;
  each([&](Upstreams* inlet, bool) { inlet->end(delivery); });
}

}  // namespace penstock::detail
