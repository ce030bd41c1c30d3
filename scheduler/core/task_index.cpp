#include "scheduler/core/task_index.hpp"

#include <algorithm>

namespace penstock::scheduler {
namespace {

// Holes that are tolerated beyond the number of tasks, so that small indexes never compact.
constexpr std::size_t kFreeHoles = 1024;

}  // namespace

void TaskIndex::add(Task& task) {
  PENSTOCK_CHECK(entries_.empty() || entries_.back().client_task < task.client_task);
  task.position = first_position_ + entries_.size();
  entries_.push_back({task.client_task, &task});
  ++size_;
}

void TaskIndex::remove(Task& task) {
  Entry& entry = entries_[task.position - first_position_];
  PENSTOCK_CHECK(entry.task == &task);
  entry.task = nullptr;
  --size_;
  while (!entries_.empty() && entries_.front().task == nullptr) {
    entries_.pop_front();
    ++first_position_;
  }
  if (entries_.size() > 2 * size_ + kFreeHoles) compact();
}

Task* TaskIndex::find(std::uint64_t client_task) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), client_task,
                       [](const Entry& entry, std::uint64_t id) { return entry.client_task < id; });
  return found != entries_.end() && found->client_task == client_task ? found->task : nullptr;
}

Task* TaskIndex::front() const { return entries_.empty() ? nullptr : entries_.front().task; }

void TaskIndex::compact() {
  std::erase_if(entries_, [](const Entry& entry) { return entry.task == nullptr; });
  entries_.shrink_to_fit();
  std::uint64_t position = first_position_;
  for (Entry& entry : entries_) entry.task->position = position++;
}

}  // namespace penstock::scheduler
