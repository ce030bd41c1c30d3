// Brings waiting tasks and workers with room together. Between events, no lane waits that a worker
// with room could serve.
#include <algorithm>
#include <chrono>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

// Work of each thread behind which a task waits to be where its key was.
constexpr Duration kWaitsForItsKey = std::chrono::milliseconds(1);

bool meets(const Pool& pool, const Requirement* requirement) {
  const auto& pools = requirement->pools;
  return std::find(pools.begin(), pools.end(), &pool) != pools.end();
}

// Whether a task of `lane` goes before one of `other`, of the same client.
bool is_ahead(const Lane& lane, const Lane& other) {
  if (lane.priority != other.priority) return lane.priority > other.priority;
  return lane.waiting.front()->client_task < other.waiting.front()->client_task;
}

bool may_run(const Worker& worker, const Requirement& requirement) {
  return meets(*worker.pool, &requirement) && requirement.fits(worker);
}

bool is_wanted_for_resources(const Pool& pool) {
  if (pool.picky == 0) return false;
  return std::any_of(pool.requirements.begin(), pool.requirements.end(), [](const Requirement* requirement) {
    return !requirement->kit.resources.empty() && !requirement->ring.empty();
  });
}

// The lane of this client of the highest priority, and of those the one whose first task was submitted first;
// of those the worker can run now.
Lane* first_lane(Lane& any, const Worker& worker) {
  Client& client = *any.client;
  if (client.lanes.size() == 1) return &any;
  Lane* first = &any;
  for (const auto& [key, lane] : client.lanes) {
    if (lane->waiting.empty() || !may_run(worker, *lane->requirement)) continue;
    if (is_ahead(*lane, *first)) first = lane.get();
  }
  return first;
}

}  // namespace

void Core::State::dispatch_to(Pool& pool) {
  Worker* worker = pool.first();
  while (worker != nullptr) {
    if (Lane* const lane = next_lane(*worker)) {
      Task& task = *lane->waiting.front();
      assign(task, nearest(task, *worker));
      worker = pool.first();
    } else {
      // Another may have more resources free.
      worker = is_wanted_for_resources(pool) ? pool.after(*worker) : nullptr;
    }
  }
}

void Core::State::dispatch_from(Requirement& requirement) {
  while (!requirement.ring.empty()) {
    Worker* const worker = requirement.choose_worker();
    if (worker == nullptr) return;
    Task& task = *next_lane(requirement, *worker)->waiting.front();
    assign(task, nearest(task, *worker));
  }
}

void Core::State::dispatch_all() {
  if (dispatch_postponed) return;
  pools.for_each_pool([this](Pool& pool) { dispatch_to(pool); });
}

// Who waits for longest comes first, whichever of them can run it.
void Core::State::dispatch_among(const Stock& stock) {
  while (true) {
    Lane* first = nullptr;
    Worker* chosen = nullptr;
    workers.for_each([&](Worker& worker) {
      if (worker.stock.get() != &stock || worker.pool == nullptr || worker.credit == Credit::kNone) return;
      Lane* const lane = next_lane(worker);
      if (lane == nullptr) return;
      if (first == lane && chosen->credit == Credit::kIdle) return;
      if (first != nullptr && first->placed < lane->placed) return;
      first = lane;
      chosen = &worker;
    });
    if (first == nullptr) return;
    Task& task = *first->waiting.front();
    assign(task, nearest(task, *chosen));
  }
}

void Core::State::dispatch_after(const Worker& worker, bool took_resources) {
  if (took_resources && worker.stock.use_count() > 1) dispatch_among(*worker.stock);
  if (worker.pool != nullptr) dispatch_to(*worker.pool);
}

Lane* Core::State::next_lane(Requirement& requirement, const Worker& worker) {
  LaneRing& ring = requirement.ring;
  // A client that had its turn through another ring since it was placed here goes to the end.
  while (ring.front()->client_turn != ring.front()->client->turn) {
    place_at_end(*ring.front());
  }
  return first_lane(*ring.front(), worker);
}

Lane* Core::State::next_lane(const Worker& worker) {
  const Pool& pool = *worker.pool;
  if (pool.requirements.size() == 1) {
    Requirement& only = *pool.requirements.front();
    return only.ring.empty() || !only.fits(worker) ? nullptr : next_lane(only, worker);
  }
  Lane* first = nullptr;
  for (Requirement* requirement : pool.requirements) {
    if (requirement->ring.empty() || !requirement->fits(worker)) continue;
    next_lane(*requirement, worker);  // settles the front
    Lane* const lane = requirement->ring.front();
    if (first == nullptr || lane->placed < first->placed) first = lane;
  }
  return first != nullptr ? first_lane(*first, worker) : nullptr;
}

void Core::State::assign(Task& task, Worker& worker) {
  Lane& lane = *task.lane;
  Client& client = *lane.client;
  Plan& plan = *task.plan;
  const bool turn_is_over = ++client.started >= client.weight;
  if (turn_is_over) {
    client.turn = ++moment;
    client.started = 0;
  }
  detach(task);
  if (!lane.waiting.empty() && turn_is_over) place_at_end(lane);
  const Duration charge = charge_of(options, plan);
  task.state = Assigned{&worker, charge};
  ++task.attempt;
  worker.assigned.push_back(task);
  worker.outstanding += charge;
  subtract(worker.stock->free, plan.resources);
  ++client.assigned;
  ++plan.assigned;
  refresh_credit(worker);
  ++statistics.counters.dispatched;
  send_plan_once(worker, plan);
  emit(SendTask{worker.id, task.id(), task.attempt, plan.id, task.input, client.id,
                task.affinity ? task.affinity->kept : std::string()});
}

Worker& Core::State::nearest(const Task& task, Worker& other) const {
  if (!task.affinity) return other;
  const auto found = workers_by_name.find(task.affinity->near);
  if (found == workers_by_name.end()) return other;
  Worker& near = *found->second;
  if (near.credit == Credit::kNone || !may_run(near, *task.lane->requirement)) return other;
  // What has no values there need not wait while another worker has nothing to do.
  const bool would_wait = near.credit == Credit::kSpare && near.outstanding > near.threads * kWaitsForItsKey;
  return task.affinity->kept.empty() && would_wait && other.credit == Credit::kIdle ? other : near;
}

// Whether or not that worker has room: there is nobody else whom it could wait for.
void Core::State::assign_pinned(Task& task) {
  const auto found = workers_by_name.find(task.affinity->near);
  if (found == workers_by_name.end() || found->second->pool == nullptr) {
    return fail(task, FailureKind::kNoWorker, no_such_worker_text(task.affinity->near));
  }
  if (!meets(*found->second->pool, task.lane->requirement)) {
    return fail(task, FailureKind::kCodeNotAvailable, code_not_available_text(*task.plan, pools));
  }
  Worker& worker = *found->second;
  if (worker.assigned.size() >= worker.threads * options.max_prefetch) {
    return fail(task, FailureKind::kRefused, too_many_pinned_text(worker.name, worker.assigned.size()));
  }
  assign(task, worker);
}

void Core::State::send_plan_once(Worker& worker, Plan& plan) {
  if (plan.slot < worker.has_plan.size() && worker.has_plan[plan.slot]) return;
  if (plan.slot >= worker.has_plan.size()) worker.has_plan.resize(plan.slot + 1);
  worker.has_plan[plan.slot] = true;
  plan.holders.insert(worker.id);
  emit(SendPlan{worker.id, plan.id, plan.definition});
}

void Core::State::place_at_end(Lane& lane) {
  lane.placed = ++moment;
  lane.client_turn = lane.client->turn;
  lane.requirement->ring.move_to_back(lane);
}

void Core::State::join_ring(Lane& lane) {
  lane.requirement->ring.push_back(lane);
  place_at_end(lane);
  if (lane.requirement->pools.empty()) consider_wait(lane);
}

void Core::State::leave_ring(Lane& lane) {
  lane.requirement->ring.erase(lane);
  if (lane.wait) stop_wait(lane);
}

}  // namespace penstock::scheduler
