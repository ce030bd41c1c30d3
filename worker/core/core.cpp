#include "worker/core/core.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <penstock/detail/check.hpp>

namespace penstock::worker {

Core::Core(const CoreOptions& options) : options_(options), threads_(options.threads) {
  PENSTOCK_CHECK(options.threads > 0);
  for (std::uint32_t thread = options.threads; thread > 0; --thread) idle_.push_back(thread - 1);
  places_ = idle_;
}

void Core::handle(Event&& event, std::vector<Action>& out) {
  std::visit([&](auto&& specific) { on(std::move(specific), out); }, std::move(event));
}

void Core::on(Connected&&, Actions& out) {
  if (left_) {
    ++counters_.dropped_other;
    return;
  }
  if (connected_) on(Disconnected{}, out);
  connected_ = true;
  ++epoch_;
}

void Core::on(Disconnected&&, Actions& out) {
  if (!connected_) {
    ++counters_.dropped_other;
    return;
  }
  connected_ = false;
  counters_.dropped_tasks += queue_.size();
  queue_.clear();
  plans_.clear();
  awaited_ = 0;
  leave_if_done(out);
}

void Core::on(PlanArrived&& event, Actions&) {
  if (!connected_) {
    ++counters_.dropped_other;
    return;
  }
  plans_[event.plan].forgotten = false;
}

void Core::on(PlanForgotten&& event, Actions& out) {
  const auto found = plans_.find(event.plan);
  if (found == plans_.end()) {
    ++counters_.dropped_other;
    return;
  }
  found->second.forgotten = true;
  if (found->second.queued > 0) return;
  plans_.erase(found);
  out.emplace_back(DropPlan{event.plan});
}

void Core::on(TaskArrived&& event, Actions& out) {
  if (!connected_) {
    ++counters_.dropped_other;
    return;
  }
  if (leaving_) return give_back(event.task, out);
  const auto plan = plans_.find(event.plan);
  if (plan == plans_.end() || plan->second.forgotten) {
    ++counters_.done;
    out.emplace_back(SendDone{event.task, event.attempt,
                              Failure{FailureKind::kRefused, "",
                                      "the task names a plan that this worker was not given", ""}});
    return;
  }
  Queued task{event.task, event.attempt, event.plan, std::move(event.input), std::move(event.kept),
              event.client};
  if (!places_.empty()) {
    const std::uint32_t thread = idle_.back();
    idle_.pop_back();
    execute(thread, std::move(task), out);
  } else if (queue_.size() < options_.max_queued) {
    ++plan->second.queued;
    queue_.push_back(std::move(task));
  } else {
    give_back(event.task, out);
  }
}

void Core::on(TasksCancelled&& event, Actions& out) {
  const std::unordered_set<TaskId> unwanted(event.tasks.begin(), event.tasks.end());
  const std::size_t before = queue_.size();
  std::vector<PlanId> plans;
  std::erase_if(queue_, [&](const Queued& queued) {
    if (!unwanted.contains(queued.task)) return false;
    plans.push_back(queued.plan);
    return true;
  });
  for (const PlanId plan : plans) unqueue(plan, out);
  counters_.cancelled += before - queue_.size();
}

void Core::on(ThreadFinished&& event, Actions& out) {
  // Not remote: the driver's threads say this, once for each Execute.
  PENSTOCK_CHECK(event.thread < threads_.size() && threads_[event.thread].has_value());
  const Running done = *threads_[event.thread];
  if (!done.waits) {
    places_.push_back(done.place);
  } else {
    --waiting_;
  }
  threads_[event.thread].reset();
  if (is_awaited(done)) {
    --awaited_;
    ++counters_.done;
    out.emplace_back(
        SendDone{done.task, done.attempt, std::move(event.result), event.thread, event.run, done.place});
  } else {
    ++counters_.dropped_outcomes;
  }
  idle_.push_back(event.thread);
  if (!done.waits) use_place(out);
  leave_if_done(out);
}

std::uint32_t Core::next_thread() const {
  return ended_.empty() ? static_cast<std::uint32_t>(threads_.size()) : ended_.back();
}

std::uint32_t Core::add_thread() {
  const std::uint32_t thread = next_thread();
  if (ended_.empty()) {
    threads_.emplace_back();
  } else {
    ended_.pop_back();
  }
  idle_.insert(idle_.begin(), thread);
  return thread;
}

void Core::remove_thread(std::uint32_t thread) {
  PENSTOCK_CHECK(has_spare_thread() && std::erase(idle_, thread) == 1);
  ended_.push_back(thread);
}

void Core::on(ThreadWaits&& event, Actions& out) {
  PENSTOCK_CHECK(event.thread < threads_.size() && threads_[event.thread].has_value());
  PENSTOCK_CHECK(may_wait() && !needs_thread_to_wait());
  Running& running = *threads_[event.thread];
  PENSTOCK_CHECK(!running.waits);
  running.waits = true;
  ++waiting_;
  places_.push_back(running.place);
  if (is_awaited(running)) out.emplace_back(SendWaits{running.task, running.attempt, true});
  use_place(out);
}

void Core::on(ThreadWantsOn&& event, Actions& out) {
  PENSTOCK_CHECK(event.thread < threads_.size() && threads_[event.thread].has_value());
  PENSTOCK_CHECK(threads_[event.thread]->waits);
  if (!places_.empty()) return go_on(event.thread, out);
  want_on_.push_back(event.thread);
}

void Core::on(ThreadGoesOn&& event, Actions&) { std::erase(want_on_, event.thread); }

void Core::on(TaskOverdue&& event, Actions& out) {
  // Not remote either: of a thread that runs something.
  PENSTOCK_CHECK(event.thread < threads_.size() && threads_[event.thread].has_value());
  Running& running = *threads_[event.thread];
  if (!is_awaited(running)) return;
  running.overdue = true;
  --awaited_;
  ++counters_.done;
  out.emplace_back(SendDone{running.task, running.attempt, std::move(event.failure), event.thread, Duration{}, running.place});
  leave_if_done(out);
}

void Core::on(LeaveRequested&&, Actions& out) {
  if (leaving_) return;
  leaving_ = true;
  if (connected_) out.emplace_back(SendLeaving{});
  for (const Queued& queued : queue_) {
    give_back(queued.task, out);
    unqueue(queued.plan, out);
  }
  queue_.clear();
  leave_if_done(out);
}

void Core::on(StatusDue&&, Actions& out) {
  if (!connected_) return;
  out.emplace_back(SendStatus{running(), static_cast<std::uint32_t>(queue_.size())});
}

bool Core::is_awaited(const Running& running) const {
  return connected_ && running.epoch == epoch_ && !running.overdue;
}

void Core::give_back(TaskId task, Actions& out) {
  ++counters_.returned;
  out.emplace_back(SendReturned{task});
}

void Core::execute(std::uint32_t thread, Queued&& task, Actions& out) {
  take_place(threads_[thread].emplace(Running{task.task, task.attempt, epoch_}));
  ++awaited_;
  out.emplace_back(Execute{thread, task.task, task.attempt, task.plan, std::move(task.input),
                           std::move(task.kept), task.client});
}

void Core::take_place(Running& running) {
  running.place = places_.back();
  places_.pop_back();
}

// A place is free: for who was here first, or for a task that has not begun.
void Core::use_place(Actions& out) {
  if (!want_on_.empty()) {
    const std::uint32_t thread = want_on_.front();
    want_on_.pop_front();
    return go_on(thread, out);
  }
  const std::uint32_t thread = idle_.back();
  idle_.pop_back();
  start_next(thread, out);
}

void Core::go_on(std::uint32_t thread, Actions& out) {
  Running& running = *threads_[thread];
  running.waits = false;
  --waiting_;
  take_place(running);
  if (is_awaited(running)) out.emplace_back(SendWaits{running.task, running.attempt, false});
  out.emplace_back(GoOn{thread});
}

void Core::start_next(std::uint32_t thread, Actions& out) {
  if (queue_.empty()) {
    idle_.push_back(thread);
    return;
  }
  Queued task = std::move(queue_.front());
  queue_.pop_front();
  const PlanId plan = task.plan;
  execute(thread, std::move(task), out);
  unqueue(plan, out);
}

void Core::unqueue(PlanId plan, Actions& out) {
  const auto found = plans_.find(plan);
  PENSTOCK_CHECK(found != plans_.end() && found->second.queued > 0);
  if (--found->second.queued > 0 || !found->second.forgotten) return;
  plans_.erase(found);
  out.emplace_back(DropPlan{plan});
}

void Core::leave_if_done(Actions& out) {
  if (!leaving_ || left_ || awaited_ > 0) return;
  left_ = true;
  out.emplace_back(Left{});
}

Snapshot Core::snapshot() const {
  return Snapshot{.connected = connected_,
                  .leaving = leaving_,
                  .left = left_,
                  .running = running(),
                  .waiting = waiting_,
                  .queued = queue_.size(),
                  .plans = plans_.size(),
                  .counters = counters_};
}

void Core::check_invariants() const {
  std::uint32_t awaited = 0;
  std::size_t busy = 0;
  std::uint32_t waiting = 0;
  for (const auto& running : threads_) {
    if (!running) continue;
    ++busy;
    if (running->waits) ++waiting;
    if (is_awaited(*running)) ++awaited;
  }
  PENSTOCK_CHECK(awaited == awaited_);
  PENSTOCK_CHECK(busy + idle_.size() == alive());
  PENSTOCK_CHECK(waiting == waiting_ && busy == running() + waiting_);
  PENSTOCK_CHECK(places_.size() <= options_.threads && waiting_ <= kMaxWaitingTasks);
  PENSTOCK_CHECK(alive() >= options_.threads + waiting_);
  for (const std::uint32_t thread : want_on_) PENSTOCK_CHECK(threads_.at(thread).has_value() && threads_[thread]->waits);
  for (const std::uint32_t thread : idle_) PENSTOCK_CHECK(!threads_.at(thread).has_value());

  // Nothing waits while a thread is free, when nobody waits for it, or when it will not be run.
  PENSTOCK_CHECK(places_.empty() || (queue_.empty() && want_on_.empty()));
  PENSTOCK_CHECK(queue_.empty() || (connected_ && !leaving_));
  PENSTOCK_CHECK(queue_.size() <= options_.max_queued);
  PENSTOCK_CHECK(connected_ || plans_.empty());

  std::unordered_map<PlanId, std::size_t> queued;
  for (const Queued& task : queue_) ++queued[task.plan];
  for (const auto& [id, count] : queued) PENSTOCK_CHECK(plans_.contains(id));
  for (const auto& [id, plan] : plans_) {
    PENSTOCK_CHECK(plan.queued == queued[id]);
    PENSTOCK_CHECK(!plan.forgotten || plan.queued > 0);
  }
  PENSTOCK_CHECK(!left_ || (leaving_ && awaited_ == 0));
  PENSTOCK_CHECK(left_ || !leaving_ || awaited_ > 0);
}

}  // namespace penstock::worker
