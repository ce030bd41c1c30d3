// What a worker offers to the tasks that run on it: a place to wait without holding a thread up, and the cluster that
// it belongs to.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "penstock/detail/export.hpp"
#include "penstock/detail/task_place.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// How tasks reach the scheduler. One for each worker; goes when its threads have ended.
struct TaskCluster {
  std::string worker;             // its name
  std::string scheduler;          // host:port
  std::string token;              // the scheduler's secret
  std::shared_ptr<void> channel;  // a grpc::Channel, instead of the address; null: none

  std::mutex mutex;
  std::shared_ptr<void> client;  // of all tasks of the worker; made by the first that asks. With the mutex
};

class TaskHost {
 public:
  virtual ~TaskHost() = default;
  // The calling thread's task waits for other tasks: one more may run in its place. Throws Error when too many wait.
  virtual void begin_wait() = 0;
  // Blocks until there is a place for it again.
  virtual void end_wait() = 0;
  virtual TaskCluster& cluster() = 0;
};

// While it lives, the calling thread waits for other tasks. Nothing happens outside of tasks, or within another one.
class PENSTOCK_EXPORT TaskWait {
 public:
  TaskWait();
  ~TaskWait();
  TaskWait(const TaskWait&) = delete;
  TaskWait& operator=(const TaskWait&) = delete;

 private:
  TaskHost* const host_;
};

// Waits until ready(), which is called with the lock, or until the deadline; in a task until that is asked to stop
// as well. Returns whether it is ready. Whoever makes it so notifies with the lock held.
template <class Ready>
bool wait_in_task(std::mutex& mutex, std::condition_variable& changed,
                  std::optional<std::chrono::steady_clock::time_point> deadline, Ready ready) {
  {
    std::lock_guard lock(mutex);
    if (ready()) return true;
  }
  const TaskWait place;
  const std::stop_source* const task = task_place().stop;
  const std::stop_token stop = task != nullptr ? task->get_token() : std::stop_token();
  const std::stop_callback wake(stop, [&] {
    std::lock_guard lock(mutex);
    changed.notify_all();
  });
  const auto over = [&] { return ready() || stop.stop_requested(); };
  std::unique_lock lock(mutex);
  deadline ? static_cast<void>(changed.wait_until(lock, *deadline, over)) : changed.wait(lock, over);
  return ready();
}

}  // namespace penstock::detail
