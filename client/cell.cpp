#include "penstock/detail/cell.hpp"

#include <bit>
#include <optional>
#include <thread>
#include <utility>

#include "penstock/detail/task_host.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {

Cell::~Cell() {
  Watch* watch = watches_.load();
  while (watch != nullptr && watch != settled_mark()) delete std::exchange(watch, watch->next);
  delete rare_.load();
}

void Cell::settle(Outcome outcome) {
  if (claimed_.exchange(true)) {
    while (!settled()) std::this_thread::yield();  // the other is about to move its outcome
    return;
  }
  outcome_ = std::move(outcome);
  Watch* last = watches_.exchange(settled_mark());
  // Who waits makes this first, and then looks whether it is settled.
  if (Rare* const rare = rare_.load()) {
    const std::lock_guard lock(rare->mutex);
    rare->settled.notify_all();
  }
  Watch* first = nullptr;
  while (last != nullptr) {
    Watch* const before = std::exchange(last->next, first);
    first = std::exchange(last, before);
  }
  while (first != nullptr) {
    const std::unique_ptr<Watch> watch(std::exchange(first, first->next));
    watch->call();
  }
}

void Cell::watch(Watcher watcher) {
  Watch* head = watches_.load();
  if (head != settled_mark()) {
    auto watch = std::make_unique<Watch>(Watch{std::move(watcher), head});
    do {
      watch->next = head;
      if (watches_.compare_exchange_weak(head, watch.get())) {
        static_cast<void>(watch.release());
        return;
      }
    } while (head != settled_mark());
    watcher = std::move(watch->call);
  }
  watcher();
}

Cell::Rare& Cell::rare() const {
  Rare* rare = rare_.load();
  if (rare != nullptr) return *rare;
  auto made = std::make_unique<Rare>();
  return rare_.compare_exchange_strong(rare, made.get()) ? *made.release() : *rare;
}

void Cell::follow(const std::shared_ptr<Cell>& other) {
  const std::lock_guard lock(rare().mutex);
  rare().followed = other;
}

std::shared_ptr<Cell> Cell::followed() const {
  Rare* const rare = rare_.load();
  if (rare == nullptr) return nullptr;
  const std::lock_guard lock(rare->mutex);
  return rare->followed.lock();
}

void Cell::wait() const {
  if (settled()) return;
  if (!wait_in_task(rare().mutex, rare().settled, std::nullopt, [this] { return settled(); })) throw_stopped();
}

bool Cell::wait_for(Duration time) const {
  if (settled()) return true;
  const auto end = end_after(time);
  if (wait_in_task(rare().mutex, rare().settled, end, [this] { return settled(); })) return true;
  if (std::chrono::steady_clock::now() < end) throw_stopped();
  return false;
}

void note_submitted(const PortPtr& port, const CellPtr& cell) {
  TaskPlace& place = task_place();
  if (place.host == nullptr) return;
  constexpr std::size_t kTidied = 1024;  // at each power of two from there on
  const std::size_t size = place.submitted.size();
  if (size >= kTidied && std::has_single_bit(size)) {
    std::erase_if(place.submitted, [](const auto& one) { return one.second.expired(); });
  }
  place.submitted.emplace_back(port, cell);
}

void throw_stopped() {
  for (const auto& [port, cell] : std::exchange(task_place().submitted, {})) {
    const auto of = std::static_pointer_cast<TaskPort>(port.lock());
    const auto unwanted = std::static_pointer_cast<Cell>(cell.lock());
    if (of && unwanted && !unwanted->settled()) of->cancel(unwanted);
  }
  std::rethrow_exception(make_task_error(
      {TaskErrorKind::kCancelled, "", "it waited for other tasks when it was asked to stop", "this task", "", 0}));
}

}  // namespace penstock::detail
