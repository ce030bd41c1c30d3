#include "scheduler/core/task_table.hpp"

namespace penstock::scheduler {

Task& TaskTable::acquire() {
  if (free_.empty()) grow();
  Task& task = *free_.front();
  free_.erase(task);
  ++size_;
  return task;
}

void TaskTable::release(Task& task) {
  task.input.Clear();
  task.affinity.reset();
  task.lane = nullptr;
  task.plan = nullptr;
  task.state = Waiting{};
  task.attempt = 0;
  task.blamed = 0;
  if (++task.generation == 0) task.generation = 1;
  // The warmest slot is the next one to be used.
  free_.push_front(task);
  --size_;
}

Task* TaskTable::find(TaskId id) {
  const auto number = static_cast<std::uint64_t>(id);
  const std::size_t slot = number & 0xffffffffu;
  if (slot / kChunk >= chunks_.size()) return nullptr;
  Task& task = (*chunks_[slot / kChunk])[slot % kChunk];
  return task.lane != nullptr && task.generation == number >> 32 ? &task : nullptr;
}

void TaskTable::grow() {
  const std::size_t first = chunks_.size() * kChunk;
  PENSTOCK_CHECK(first + kChunk <= 0xffffffffu);
  Chunk& chunk = *chunks_.emplace_back(std::make_unique<Chunk>());
  for (std::size_t i = 0; i < kChunk; ++i) {
    chunk[i].slot = static_cast<std::uint32_t>(first + i);
    free_.push_back(chunk[i]);
  }
}

}  // namespace penstock::scheduler
