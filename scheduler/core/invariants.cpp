// What must hold between any two events. Everything is counted anew and compared.
#include <map>
#include <set>

#include "scheduler/core/core.hpp"
#include "scheduler/core/state.hpp"

namespace penstock::scheduler {
namespace {

struct Tally {  // what the tasks of one client or plan add up to
  std::uint64_t waiting = 0;
  std::uint64_t assigned = 0;
  std::uint64_t tasks() const { return waiting + assigned; }
};

struct Tallies {
  std::map<const Client*, Tally> clients;
  std::map<const Plan*, Tally> plans;
  std::map<const Lane*, Tally> lanes;
  std::size_t listed = 0;  // tasks found in a list
  std::size_t waits = 0;   // lanes that wait for a worker
  std::uint64_t definitions = 0;
  std::map<const Stock*, Resources> free;
};

void count(Tallies& tallies, const Task& task) {
  const bool assigned = task.assigned() != nullptr;
  for (Tally* tally : {&tallies.clients[task.lane->client], &tallies.plans[task.plan],
                       &tallies.lanes[task.lane]}) {
    ++(assigned ? tally->assigned : tally->waiting);
  }
  PENSTOCK_CHECK(task.lane->client->tasks.find(task.client_task) == &task);
  PENSTOCK_CHECK(task.plan->requirement == task.lane->requirement);
  PENSTOCK_CHECK(!assigned || task.attempt > 0);
}

void check_lane(Tallies& tallies, const Client& client, const Lane& lane, std::uint64_t defined) {
  PENSTOCK_CHECK(lane.client == &client);
  PENSTOCK_CHECK(lane.references == defined + tallies.lanes[&lane].tasks());
  PENSTOCK_CHECK(lane.references > 0);
  const Task* before = nullptr;
  for (const Task* task = lane.waiting.front(); task; task = TaskList::next(*task)) {
    PENSTOCK_CHECK(task->waits() && task->lane == &lane);
    PENSTOCK_CHECK(before == nullptr || before->client_task < task->client_task);
    before = task;
    ++tallies.listed;
  }
  PENSTOCK_CHECK(lane.hint == nullptr || (lane.hint->lane == &lane && lane.hint->waits()));
  const bool stuck = !lane.waiting.empty() && lane.requirement->pools.empty();
  PENSTOCK_CHECK(lane.wait.has_value() == stuck);
  if (stuck) ++tallies.waits;
}

void check_client(Tallies& tallies, const Client& client) {
  const Tally& tally = tallies.clients[&client];
  PENSTOCK_CHECK(client.waiting == tally.waiting && client.assigned == tally.assigned);
  PENSTOCK_CHECK(client.tasks.size() == tally.tasks());
  std::map<const Lane*, std::uint64_t> defined;
  for (const auto& [number, plan] : client.plans) {
    PENSTOCK_CHECK((plan.plan == nullptr) == (plan.lane == nullptr));
    PENSTOCK_CHECK((plan.plan == nullptr) == !plan.refusal.empty());
    if (plan.plan == nullptr) continue;
    ++defined[plan.lane];
    ++tallies.definitions;
  }
  for (const auto& [key, lane] : client.lanes) {
    PENSTOCK_CHECK(key == std::pair(lane->requirement, lane->priority));
    check_lane(tallies, client, *lane, defined[lane.get()]);
  }
}

bool is_in(const WorkerList& list, const Worker& worker) {
  for (const Worker* other = list.front(); other; other = WorkerList::next(*other)) {
    if (other == &worker) return true;
  }
  return false;
}

void check_worker(Tallies& tallies, const CoreOptions& options, const Worker& worker) {
  Duration outstanding{};
  std::size_t waiting = 0;
  Resources& free = tallies.free.try_emplace(worker.stock.get(), worker.stock->all).first->second;
  PENSTOCK_CHECK(worker.stock->all == worker.resources);
  for (const Task* task = worker.assigned.front(); task; task = TaskList::next(*task)) {
    PENSTOCK_CHECK(task->assigned() != nullptr && task->assigned()->worker == &worker);
    PENSTOCK_CHECK(worker.has_plan.at(task->plan->slot));
    if (task->assigned()->waits) {
      ++waiting;
    } else {
      outstanding += task->assigned()->charge;
    }
    subtract(free, task->plan->resources);
    ++tallies.listed;
  }
  PENSTOCK_CHECK(worker.outstanding == outstanding && worker.waiting == waiting);
  PENSTOCK_CHECK((worker.pool == nullptr) == worker.leaving);
  if (worker.pool == nullptr) return;
  PENSTOCK_CHECK(worker.credit == credit_of(options, worker));
  PENSTOCK_CHECK(is_in(worker.pool->idle, worker) == (worker.credit == Credit::kIdle));
  PENSTOCK_CHECK(is_in(worker.pool->spare, worker) == (worker.credit == Credit::kSpare));
}

void check_plan(Tallies& tallies, const PeerTable<WorkerId, Worker>& workers, const Plan& plan,
                std::uint64_t& references) {
  const Tally& tally = tallies.plans[&plan];
  PENSTOCK_CHECK(plan.waiting == tally.waiting && plan.assigned == tally.assigned);
  PENSTOCK_CHECK(plan.references > 0 && plan.references >= tally.tasks());
  references += plan.references;
  std::size_t holders = 0;
  workers.for_each([&](const Worker& worker) {
    const bool has = plan.slot < worker.has_plan.size() && worker.has_plan[plan.slot];
    PENSTOCK_CHECK(has == plan.holders.contains(worker.id));
    if (has) ++holders;
  });
  PENSTOCK_CHECK(holders == plan.holders.size());
}

void check_requirement(const Requirement& requirement) {
  for (const Lane* lane = requirement.ring.front(); lane; lane = LaneRing::next(*lane)) {
    PENSTOCK_CHECK(lane->requirement == &requirement && !lane->waiting.empty());
  }
  for (const Pool* pool : requirement.pools) {
    PENSTOCK_CHECK(meets(pool->kit, requirement.kit));
    if (requirement.ring.empty()) continue;
    for (const Worker* worker = pool->first(); worker; worker = pool->after(*worker)) {
      PENSTOCK_CHECK(!requirement.fits(*worker));
    }
  }
}

// Returns how many deadlines they have.
std::size_t check_programs(const PeerTable<ClientId, Client>& clients,
                           const std::map<std::string, std::unique_ptr<Program>>& programs,
                           const std::map<std::string, Host>& hosts) {
  std::map<const Program*, std::uint64_t> offered;
  clients.for_each([&](const Client& client) { ++offered[client.program]; });
  std::size_t timed = 0;
  for (const auto& [sha256, program] : programs) {
    PENSTOCK_CHECK(program->offer.sha256 == sha256 && program->clients == offered[program.get()]);
    PENSTOCK_CHECK(program->idle.has_value() == (program->clients == 0));
    if (program->coming) {
      PENSTOCK_CHECK(clients.find(program->coming->from)->program == program.get() && !program->stored);
    }
    timed += (program->idle ? 1U : 0U) + (program->coming ? 1U : 0U);
  }
  for (const auto& [name, host] : hosts) {
    std::size_t ordered = 0;
    for (const auto& [sha256, hosted] : host.programs) {
      PENSTOCK_CHECK(programs.contains(sha256));
      if (hosted.state != Hosted::State::kFailed) ++ordered;
    }
    PENSTOCK_CHECK(host.name == name && ordered <= host.max_programs);
  }
  return timed;
}

}  // namespace

void Core::check_invariants() const {
  const State& state = *state_;
  Tallies tallies;
  state.tasks.for_each([&](const Task& task) { count(tallies, task); });
  state.clients.for_each([&](const Client& client) { check_client(tallies, client); });

  std::uint64_t threads = 0;
  std::size_t in_pools = 0;
  state.workers.for_each([&](const Worker& worker) {
    check_worker(tallies, state.options, worker);
    PENSTOCK_CHECK(state.workers_by_name.at(worker.name) == &worker);
    if (worker.pool == nullptr) return;
    threads += worker.threads;
    ++in_pools;
  });
  PENSTOCK_CHECK(state.workers_by_name.size() == state.workers.size());
  PENSTOCK_CHECK(state.threads == threads && state.pools.workers() == in_pools);

  for (const auto& [key, lost] : state.lost_workers) {
    PENSTOCK_CHECK(state.deadlines.contains(lost.deadline));
    for (const Task* task = lost.suspects.front(); task; task = TaskList::next(*task)) {
      const auto* suspected = std::get_if<Suspected>(&task->state);
      PENSTOCK_CHECK(suspected != nullptr && suspected->lost == &lost);
      ++tallies.listed;
    }
  }
  for (const auto& [stock, free] : tallies.free) PENSTOCK_CHECK(stock->free == free);
  PENSTOCK_CHECK(tallies.listed == state.tasks.size());

  std::uint64_t references = 0;
  for (const Plan* plan : state.plans.by_id()) {
    check_plan(tallies, state.workers, *plan, references);
  }
  PENSTOCK_CHECK(references == tallies.definitions + state.tasks.size());
  state.pools.for_each_requirement(check_requirement);
  // The heartbeat is always one of them.
  const std::size_t of_programs = check_programs(state.clients, state.programs, state.hosts);
  PENSTOCK_CHECK(state.deadlines.size() == 1 + tallies.waits + state.lost_workers.size() + of_programs);
}

}  // namespace penstock::scheduler
