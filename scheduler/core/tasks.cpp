#include <algorithm>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

// Run times come from outside: no negative ones, none that overflows a sum.
Duration plausible(Duration run) {
  return std::clamp(run, Duration{0}, Duration{std::chrono::hours{24 * 365}});
}

// Whether the user's function ran at all.
bool has_run(const Result& result) {
  const auto* failure = std::get_if<Failure>(&result);
  return failure == nullptr || failure->kind == FailureKind::kRaised;
}

// An input that is lost is no error of anybody's: the client has it made again, and sends the task once more.
bool comes_again(const Failure* failure) {
  return failure != nullptr && failure->kind == FailureKind::kInputLost;
}

}  // namespace

void Core::State::on(TaskSubmitted& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  if (client->last_id && event.id <= *client->last_id) {
    ++statistics.counters.dropped_submits;
    return;
  }
  client->last_id = event.id;
  ++statistics.counters.submitted;
  const ClientPlan* const defined = client->find_plan(event.plan);
  if (defined == nullptr || defined->plan == nullptr) {
    refuse(*client, event, "plan " + std::to_string(event.plan),
           defined == nullptr ? unknown_plan_text(event.plan) : defined->refusal);
    return;
  }
  if (client->tasks.size() >= options.max_tasks_per_client) {
    refuse(*client, event, *defined->plan->label,
           too_many_tasks_text(options.max_tasks_per_client));
    return;
  }
  if (event.pinned && !defined->plan->resources.empty()) {
    refuse(*client, event, *defined->plan->label, pinned_with_resources_text());
    return;
  }
  Task& task = tasks.acquire();
  task.input = std::move(event.input);
  task.lane = defined->lane;
  task.plan = defined->plan;
  if (!event.kept.empty() || !event.near.empty() || event.pinned) {
    task.affinity =
        std::make_unique<Affinity>(Affinity{std::move(event.kept), std::move(event.near), event.pinned});
  }
  task.client_task = event.id;
  task.submitted = now;
  task.blamed = std::min(event.lost_workers, options.max_lost_workers - 1);
  ++task.lane->references;
  ++task.plan->references;
  client->tasks.add(task);
  enqueue(task, true);
  task.is_pinned() ? assign_pinned(task) : dispatch_from(*task.lane->requirement);
}

void Core::State::refuse(Client& client, const TaskSubmitted& event, std::string label,
                         std::string text) {
  Failure failure{FailureKind::kRefused, {}, std::move(text), std::move(label), {}, 0};
  statistics.finished(now, true);
  statistics.failure(now, failure);
  ++client.failed;
  emit(SendOutcome{client.id, event.id, std::move(failure), Duration{0}});
}

void Core::State::on(TaskCancelled& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  Task* const task = client->tasks.find(event.id);
  if (task == nullptr) {  // finished already, as a rule
    ++statistics.counters.dropped_other;
    return;
  }
  ++statistics.counters.cancelled;
  const Assigned* const assigned = task->assigned();
  const Worker* const worker = assigned != nullptr ? assigned->worker : nullptr;
  const bool took_resources = !task->plan->resources.empty();
  call_back(*task);
  if (worker != nullptr) dispatch_after(*worker, took_resources);
}

void Core::State::on(ValuesFreed& event) {
  if (hear(event.client) == nullptr) return;
  const auto worker = workers_by_name.find(event.worker);
  if (worker == workers_by_name.end()) return;  // they went with it
  emit(SendFree{worker->second->id, std::move(event.values)});
}

void Core::State::on(ValuesUnshared& event) {
  if (hear(event.client) == nullptr) return;
  workers.for_each([&](const Worker& worker) { emit(SendUnshare{worker.id, event.names}); });
}

void Core::State::on(TaskWaits& event) {
  Worker* const worker = hear(event.worker);
  if (worker == nullptr) return;
  Task* const task = tasks.find(event.task);
  auto* const assigned = task != nullptr ? std::get_if<Assigned>(&task->state) : nullptr;
  if (assigned == nullptr || assigned->worker != worker || task->attempt != event.attempt ||
      assigned->waits == event.waits) {
    ++statistics.counters.dropped_other;
    return;
  }
  assigned->waits = event.waits;
  if (event.waits) {
    ++worker->waiting;
    worker->outstanding -= assigned->charge;
  } else {
    --worker->waiting;
    worker->outstanding += assigned->charge;
  }
  refresh_credit(*worker);
  if (worker->pool != nullptr) dispatch_to(*worker->pool);
}

void Core::State::on(TaskReturned& event) {
  Worker* const worker = hear(event.worker);
  if (worker == nullptr) return;
  Task* const task = tasks.find(event.task);
  const Assigned* const assigned = task != nullptr ? task->assigned() : nullptr;
  if (assigned == nullptr || assigned->worker != worker) {
    ++statistics.counters.dropped_outcomes;
    return;
  }
  const bool took_resources = !task->plan->resources.empty();
  if (task->is_pinned()) {
    fail(*task, FailureKind::kWorkerLost, "it was for worker " + quoted(worker->name) + " only, which is leaving",
         worker->name);
  } else {
    requeue(*task);
    dispatch_from(*task->lane->requirement);
  }
  // Its place is free for a task of any other kind, too.
  dispatch_after(*worker, took_resources);
}

void Core::State::on(TaskFinished& event) {
  Worker* const worker = hear(event.worker);
  if (worker == nullptr) return;
  Task* const task = tasks.find(event.task);
  const Assigned* const assigned = task != nullptr ? task->assigned() : nullptr;
  if (assigned == nullptr || assigned->worker != worker || task->attempt != event.attempt) {
    ++statistics.counters.dropped_outcomes;
    if (event.kept) emit(SendFree{worker->id, {{event.task, event.attempt}}});
    return;
  }
  const Duration run = plausible(event.run);
  auto* const failure = std::get_if<Failure>(&event.result);
  if (has_run(event.result)) {
    task->plan->measure(run);
    statistics.ran(run);
    if (event.thread < worker->threads) {
      worker->timelines[event.thread].add(now - run, now, task->plan->label, failure != nullptr);
    }
  }
  if (!comes_again(failure)) ++(failure != nullptr ? worker->failed : worker->done);
  if (failure != nullptr) {
    failure->worker = worker->name;
    failure->attempt = task->attempt;
    if (failure->kind == FailureKind::kInputLost) failure->lost_workers = task->blamed;
    if (failure->task.empty()) failure->task = *task->plan->label;
  }
  send_outcome(*task, std::move(event.result), run, event.kept);
  const bool took_resources = !task->plan->resources.empty();
  forget(*task);
  dispatch_after(*worker, took_resources);
}

void Core::State::enqueue(Task& task, bool is_new) {
  Lane& lane = *task.lane;
  task.state = Waiting{};
  is_new ? lane.add_new(task) : lane.put_back(task);
  ++lane.client->waiting;
  ++task.plan->waiting;
  if (lane.waiting.size() == 1) join_ring(lane);
}

void Core::State::requeue(Task& task) {
  detach(task);
  enqueue(task, false);
}

void Core::State::detach(Task& task) {
  Client& client = *task.lane->client;
  if (const Assigned* assigned = task.assigned()) {
    Worker& worker = *assigned->worker;
    worker.assigned.erase(task);
    if (assigned->waits) {
      --worker.waiting;
    } else {
      worker.outstanding -= assigned->charge;
    }
    add(worker.stock->free, task.plan->resources);
    --client.assigned;
    --task.plan->assigned;
    refresh_credit(worker);
    return;
  }
  --client.waiting;
  --task.plan->waiting;
  if (const auto* suspected = std::get_if<Suspected>(&task.state)) {
    suspected->lost->suspects.erase(task);
    return;
  }
  task.lane->remove(task);
  if (task.lane->waiting.empty()) leave_ring(*task.lane);
}

void Core::State::forget(Task& task) {
  detach(task);
  Lane& lane = *task.lane;
  Plan& plan = *task.plan;
  lane.client->tasks.remove(task);
  tasks.release(task);
  release(lane);
  release(plan);
}

void Core::State::call_back(Task& task) {
  if (const Assigned* assigned = task.assigned()) {
    emit(SendCancel{assigned->worker->id, task.id()});
  }
  forget(task);
}

void Core::State::fail(Task& task, FailureKind kind, std::string text, std::string worker) {
  send_outcome(
      task, Failure{kind, {}, std::move(text), *task.plan->label, std::move(worker), task.attempt},
      Duration{0});
  forget(task);
}

void Core::State::send_outcome(Task& task, Result&& result, Duration run, bool kept) {
  Client& client = *task.lane->client;
  const auto* const failure = std::get_if<Failure>(&result);
  if (kept) client.keeps_values = true;
  if (comes_again(failure)) {
    ++statistics.counters.input_lost;
  } else {
    statistics.finished(now, failure != nullptr);
    statistics.took(now - task.submitted);
    if (failure != nullptr) statistics.failure(now, *failure);
    ++(failure != nullptr ? client.failed : client.done);
    ++(failure != nullptr ? task.plan->failed : task.plan->done);
  }
  emit(SendOutcome{client.id, task.client_task, std::move(result), run, kept});
}

}  // namespace penstock::scheduler
