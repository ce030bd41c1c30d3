#include "scheduler/core/lane.hpp"

namespace penstock::scheduler {

void Lane::add_new(Task& task) { waiting.push_back(task); }

void Lane::put_back(Task& task) {
  // Tasks come back in runs (a worker's, ascending), so the search begins at the one before.
  Task* place = hint != nullptr ? hint : waiting.front();
  while (place != nullptr && place->client_task < task.client_task) {
    Task* const after = TaskList::next(*place);
    if (after == nullptr || after->client_task > task.client_task) {
      waiting.insert_after(*place, task);
      hint = &task;
      return;
    }
    place = after;
  }
  while (place != nullptr) {
    Task* const before = TaskList::prev(*place);
    if (before == nullptr || before->client_task < task.client_task) break;
    place = before;
  }
  place != nullptr ? waiting.insert_before(*place, task) : waiting.push_back(task);
  hint = &task;
}

void Lane::remove(Task& task) {
  if (hint == &task) {
    Task* const before = TaskList::prev(task);
    hint = before != nullptr ? before : TaskList::next(task);
  }
  waiting.erase(task);
}

}  // namespace penstock::scheduler
