// The end of a worker: who is to blame, and what happens to its tasks.
#include <algorithm>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

// Of its assigned tasks, how many are taken to have been running when there is no evidence. A
// worker starts its tasks in the order of dispatch, so the oldest ones. One that was leaving may
// well have ended in good order, before tasks that were on their way arrived: it is no evidence at
// all. Those that wait for other tasks do nothing meanwhile.
class PresumedRunning {
 public:
  explicit PresumedRunning(const Worker& worker) : left_(worker.leaving ? 0 : worker.threads) {}
  // Of each of them, in order.
  bool operator()(const Task& task) {
    if (left_ == 0 || task.assigned()->waits) return false;
    --left_;
    return true;
  }

 private:
  std::size_t left_;
};

bool names(const WorkerExited& report, TaskId id) {
  return std::binary_search(report.running.begin(), report.running.end(), id);
}

}  // namespace

void Core::State::on(WorkerExited& event) {
  std::sort(event.running.begin(), event.running.end());
  event.last_lines = last_part(event.last_lines);
  if (LostWorker* lost = find_lost(event.name)) {
    settle(*lost, &event);
    dispatch_all();
    return;
  }
  const auto living = workers_by_name.find(event.name);
  if (living == workers_by_name.end()) {
    ++statistics.counters.dropped_other;
    return;
  }
  // The report was faster than the end of the connection, which will ask for it.
  living->second->exit_report = std::move(event);
  living->second->exit_reported = now;
}

void Core::State::lose_worker(Worker& worker, std::string_view why) {
  const bool clean = worker.leaving && worker.assigned.empty();
  if (!clean) ++statistics.counters.workers_lost;
  if (clean) {
    log(Log::Level::kInfo, "worker " + quoted(worker.name) + " left");
  } else {
    log(Log::Level::kWarning, "worker " + quoted(worker.name) + " is lost (" + std::string(why) +
                                  ") with " + counted(worker.assigned.size(), "task"));
  }
  last_end = quoted(worker.name) + (clean ? " left" : " was lost: " + std::string(why));
  if (worker.retired && !(worker.answered && clean)) remember_retired(worker.name);
  const bool took_work = worker.pool != nullptr;
  withdraw(worker);
  const bool fresh_report =
      worker.exit_report && now - worker.exit_reported <= options.silence + options.heartbeat;
  if (fresh_report) {
    settle_with_report(worker, *worker.exit_report);
  } else if (worker.supervised) {
    suspect(worker);
  } else {
    settle_without_report(worker);
  }
  forget_worker(worker);
  if (took_work) tell_cluster_state();
  dispatch_all();
}

void Core::State::forget_worker(Worker& worker) {
  PENSTOCK_CHECK(worker.assigned.empty());
  for (std::size_t slot = 0; slot < worker.has_plan.size(); ++slot) {
    if (worker.has_plan[slot]) plans.at_slot(slot).holders.erase(worker.id);
  }
  workers_by_name.erase(worker.name);
  worker.stock.reset();
  const auto stock = stocks.find(worker.resource_group);
  if (stock != stocks.end() && stock->second.expired()) stocks.erase(stock);
  workers.erase(worker);
}

void Core::State::settle_with_report(Worker& worker, const WorkerExited& report) {
  last_end = quoted(worker.name) + " died: " + cause_of_death(&report);
  log(Log::Level::kWarning, "worker " + last_end);
  while (Task* task = worker.assigned.front()) {
    settle(*task, names(report, task->id()), worker.name, &report);
  }
}

void Core::State::settle_without_report(Worker& worker) {
  PresumedRunning was_running(worker);
  while (Task* task = worker.assigned.front()) {
    settle(*task, was_running(*task), worker.name, nullptr);
  }
}

void Core::State::suspect(Worker& worker) {
  while (lost_workers.size() >= options.max_workers) settle(lost_workers.begin()->second, nullptr);
  LostWorker& lost = lost_workers[{worker.name, ++losses}];
  lost.name = worker.name;
  lost.number = losses;
  lost.deadline = deadlines.add(now + options.exit_report_timeout, ExitReportOverdue{&lost});
  PresumedRunning was_running(worker);
  while (Task* task = worker.assigned.front()) {
    if (!was_running(*task)) {
      lost.requeued.push_back(task->id());
      settle(*task, false, worker.name, nullptr);
      continue;
    }
    detach(*task);
    task->state = Suspected{&lost};
    ++task->lane->client->waiting;
    ++task->plan->waiting;
    lost.suspects.push_back(*task);
  }
}

void Core::State::settle(LostWorker& lost, const WorkerExited* report) {
  if (report != nullptr) {
    last_end = quoted(lost.name) + " died: " + cause_of_death(report);
    log(Log::Level::kWarning, "worker " + last_end);
  }
  while (Task* task = lost.suspects.front()) {
    settle(*task, report == nullptr || names(*report, task->id()), lost.name, report);
  }
  // Outcomes may die with the connection: what ran last is then not among the oldest.
  for (TaskId id : lost.requeued) {
    Task* const task = report != nullptr && names(*report, id) ? tasks.find(id) : nullptr;
    if (task == nullptr) continue;
    // One that runs again elsewhere has its chance: its outcome or that worker's end decides.
    if (++task->blamed >= options.max_lost_workers && task->waits()) {
      fail_lost(*task, true, lost.name, report);
    }
  }
  if (deadlines.contains(lost.deadline)) deadlines.cancel(lost.deadline);
  lost_workers.erase({lost.name, lost.number});
}

void Core::State::settle(Task& task, bool was_running, std::string_view worker,
                         const WorkerExited* report) {
  if (was_running) ++task.blamed;
  if (task.is_pinned() || (was_running && task.blamed >= options.max_lost_workers)) {
    fail_lost(task, was_running, worker, report);
  } else {
    ++statistics.counters.redispatched;
    requeue(task);
  }
}

void Core::State::fail_lost(Task& task, bool was_running, std::string_view worker, const WorkerExited* report) {
  const std::uint32_t before = task.blamed - (was_running ? 1 : 0);
  fail(task, FailureKind::kWorkerLost, worker_lost_text(worker, *task.plan, was_running, before, report),
       std::string(worker));
}

LostWorker* Core::State::find_lost(const std::string& name) {
  const auto found = lost_workers.lower_bound({name, 0});
  return found != lost_workers.end() && found->first.first == name ? &found->second : nullptr;
}

}  // namespace penstock::scheduler
