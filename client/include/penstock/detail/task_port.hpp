// What streams and futures need of a connection to a cluster. Implemented by the session.
#pragma once

#include <asio/execution/outstanding_work.hpp>
#include <asio/prefer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/cell.hpp"
#include "penstock/detail/stage.hpp"
#include "penstock/loop.hpp"
#include "penstock/task_options.hpp"

namespace penstock::detail {

class FailedTask {
 public:
  virtual ~FailedTask() = default;
};

// Null: none were given.
using TaskOptionsPtr = std::shared_ptr<const TaskOptions>;
inline const TaskOptions& options_of(const TaskOptionsPtr& options) {
  static const TaskOptions usual;
  return options ? *options : usual;
}

// Stages as a session knows them. Immutable; the session forgets it with the last reference.
class Plan {
 public:
  virtual ~Plan() = default;
  virtual const std::vector<Stage>& stages() const = 0;
  virtual const TaskOptions& options() const = 0;
};
using PlanPtr = std::shared_ptr<const Plan>;

// An encoded value, parts of which may be on workers.
struct Encoded {
  Encoded() = default;
  Encoded(std::string all) : bytes(std::move(all)) {}  // NOLINT: implicit by design
  explicit Encoded(const Outcome& outcome) { add(outcome); }

  // What comes next is the value of a settled cell without an error.
  void add(const Outcome& outcome) {
    for (const auto& part : outcome.kept) kept.push_back({bytes.size() + part.at, part.value});
    bytes += outcome.bytes();
  }

  std::string bytes;
  Few<KeptPart> kept;
  Few<std::shared_ptr<const void>> uses;  // what the bytes refer to, for as long as a task needs them
};

// Where a large result may be when its cell settles.
enum class Want : std::uint8_t { kHere, kAnywhere };

// Of a worker.
using WorkerNamePtr = std::shared_ptr<const std::string>;

// Thread-safe.
class TaskPort {
 public:
  virtual ~TaskPort() = default;

  virtual PlanPtr make_plan(std::vector<Stage> stages, TaskOptions options = {}) = 0;

  // The plan of a single call, made once for each function. Throws Error when its module has no build-id.
  virtual PlanPtr call_plan(const TaskEntry& entry, const std::string& constants, const TaskOptions& options) = 0;

  // The same of a task that is known by its name.
  virtual PlanPtr call_plan(const Stage& named, const TaskOptions& options) = 0;

  // The cell settles exactly once: with the outcome, or with TaskCancelled when the session is closed
  // first. `near`: where it had better run; null: anywhere. Never blocks.
  virtual CellPtr submit(const PlanPtr& plan, Encoded input, Want want, WorkerNamePtr near = nullptr) = 0;
  // Settles with all of the value here.
  virtual CellPtr bring(Encoded value) = 0;
  // A task will be submitted when its arguments are there: until the handle goes it counts as one that is on
  // its way, with so many bytes.
  virtual std::shared_ptr<void> expect_task(std::size_t bytes) = 0;
  // Runs it anew.
  virtual CellPtr submit_again(const FailedTask& task) = 0;
  // The outcome is not wanted any more; the cell settles with TaskCancelled.
  virtual void cancel(const CellPtr& cell) = 0;

  // Threads of all workers, as far as is known.
  virtual unsigned threads() const = 0;

  // The loop for what has to do with time, and for results that have no loop of their own.
  virtual const std::shared_ptr<Loop>& loop() const = 0;
};
using PortPtr = std::shared_ptr<TaskPort>;

// The calling thread's task, if there is one, has submitted this.
void note_submitted(const PortPtr& port, const CellPtr& cell);

// The executor of a handler that comes later: with work on it until then.
template <class Executor>
auto with_work(const Executor& executor) {
  return asio::prefer(executor, asio::execution::outstanding_work.tracked);
}

// Settles as `cell` does, with all of the value here. Perhaps `cell` itself.
CellPtr here(const std::weak_ptr<TaskPort>& port, const CellPtr& cell);

// Calls then(cell) with that cell when it has settled: without one more for the many whose value is small.
template <class Then>
void when_here(std::weak_ptr<TaskPort> port, const CellPtr& cell, Then then) {
  cell->watch([port = std::move(port), cell, then = std::move(then)]() mutable {
    if (cell->outcome().kept.empty()) return then(cell);
    const CellPtr brought = here(port, cell);
    brought->watch([brought, then = std::move(then)]() mutable { then(brought); });
  });
}

}  // namespace penstock::detail
