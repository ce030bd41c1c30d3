// The unfinished tasks of one client by the client's own ids. The ids ascend, so this is a queue
// with holes: adding and removing are amortised O(1), a search is binary, and memory is at most
// about twice what the unfinished tasks need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "scheduler/core/task.hpp"

namespace penstock::scheduler {

class TaskIndex {
 public:
  // The task's id must be above all ids added before. Writes task.position.
  void add(Task& task);
  void remove(Task& task);

  Task* find(std::uint64_t client_task) const;  // null when unknown or finished
  Task* front() const;                          // the lowest id; null when empty
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t client_task;
    Task* task;  // null: a hole
  };

  void compact();

  std::deque<Entry> entries_;  // the first one is never a hole
  std::uint64_t first_position_ = 0;
  std::size_t size_ = 0;
};

}  // namespace penstock::scheduler
