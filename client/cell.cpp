#include "penstock/detail/cell.hpp"

#include <bit>
#include <optional>
#include <utility>

#include "penstock/detail/task_host.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {

void Cell::wait() const {
  if (!wait_in_task(mutex_, condition_, std::nullopt, [this] { return settled_; })) throw_stopped();
}

bool Cell::wait_for(Duration time) const {
  const auto now = std::chrono::steady_clock::now();
  // What is for ever would be before now.
  const auto end = time > std::chrono::hours(24 * 365) ? now + std::chrono::hours(24 * 365) : now + time;
  if (wait_in_task(mutex_, condition_, end, [this] { return settled_; })) return true;
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
