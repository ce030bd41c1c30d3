// All tasks in flight, found by TaskId in O(1). A slot is used again with another generation, so an
// old id finds nothing. Tasks never move: views of their inputs stay valid until they are released.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "scheduler/core/task.hpp"

namespace penstock::scheduler {

class TaskTable {
 public:
  // A task in its initial state. The caller sets its lane before anything else is asked of the
  // table.
  Task& acquire();

  // Ends the task's life and frees its input. It must be in no list.
  void release(Task& task);

  // Null for an id that is unknown or of the past.
  Task* find(TaskId id);

  std::size_t size() const { return size_; }

  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& chunk : chunks_) {
      for (const Task& task : *chunk) {
        if (task.lane != nullptr) visit(task);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 1024;
  using Chunk = std::array<Task, kChunk>;

  void grow();

  std::vector<std::unique_ptr<Chunk>> chunks_;
  TaskList free_;
  std::size_t size_ = 0;
};

}  // namespace penstock::scheduler
