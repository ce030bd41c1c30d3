// What the core knows of one connected worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/deadlines.hpp"
#include "scheduler/core/event.hpp"
#include "scheduler/core/plan_table.hpp"
#include "scheduler/core/resources.hpp"
#include "scheduler/core/task.hpp"
#include "scheduler/core/timeline.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Pool;

// Room for one more task.
enum class Credit : std::uint8_t {
  kNone,
  kSpare,  // all threads have a task, a further one may wait at the worker
  kIdle,   // a thread has nothing to do
};

struct Worker {
  WorkerId id{};
  std::string name;
  std::uint32_t threads = 1;
  std::uint64_t memory_limit = 0;
  Resources resources;           // that it has,
  std::shared_ptr<Stock> stock;  // perhaps together with others
  std::string resource_group;    // who they are
  bool supervised = false;
  bool leaving = false;
  bool retired = false;   // it was told to leave for good,
  bool answered = false;  // and has heard that
  TimePoint joined;
  TimePoint heard;

  Pool* pool = nullptr;  // null while leaving
  Hook<Worker> hook;     // in the pool's list of its credit
  Credit credit = Credit::kNone;

  TaskList assigned;                // in the order of dispatch
  std::size_t waiting = 0;          // those of them that wait for other tasks
  Duration outstanding{};           // sum of the charges of the others
  std::vector<bool> has_plan;       // by Plan::slot
  std::vector<Timeline> timelines;  // by thread

  std::uint64_t memory = 0;
  double cpu = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;

  // A supervisor's evidence that came before the end of the connection.
  std::optional<WorkerExited> exit_report;
  TimePoint exit_reported;
};

using WorkerList = IntrusiveList<Worker, &Worker::hook>;

// A supervised worker that is lost, while the evidence of who killed it may still come.
struct LostWorker {
  std::string name;
  std::uint64_t number = 0;      // ascends with every loss
  TaskList suspects;             // in the order of dispatch
  std::vector<TaskId> requeued;  // its other tasks
  Deadlines::Key deadline;
};

}  // namespace penstock::scheduler
