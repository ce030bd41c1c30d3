#include <algorithm>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

constexpr std::chrono::minutes kRemembersRetired{1};

WorkerInfo info_of(const Worker& worker) {
  const std::uint64_t active = worker.assigned.size() - worker.waiting;
  const std::uint64_t running = std::min<std::uint64_t>(active, worker.threads);
  return {worker.name,       worker.threads, worker.memory, worker.memory_limit, worker.cpu,
          running,           active - running, worker.done, worker.failed,       worker.leaving,
          worker.waiting,    worker.resources};
}

}  // namespace

void Core::State::on(WorkerJoined& event) {
  if (workers.find(event.worker) != nullptr) {
    ++statistics.counters.dropped_other;
    return;
  }
  std::string refusal = refusal_of(event);
  CloseKind kind = CloseKind::kRefused;
  if (refusal.empty()) {
    replace_if_silent(event.name);
    if (workers_by_name.contains(event.name)) kind = CloseKind::kNameTaken;
    refusal = refusal_for(event);
  }
  if (!refusal.empty()) {
    ++statistics.counters.refused_peers;
    log(Log::Level::kWarning, "worker " + quoted(event.name) + " is refused: " + refusal);
    emit(CloseWorker{event.worker, std::move(refusal), kind});
    return;
  }
  auto worker = std::make_unique<Worker>();
  worker->id = event.worker;
  worker->name = std::move(event.name);
  worker->threads = event.threads;
  worker->memory_limit = event.memory_limit;
  worker->supervised = event.supervised;
  worker->resources = std::move(event.resources);
  worker->resource_group = std::move(event.resource_group);
  worker->stock = stock_of(*worker);
  worker->joined = worker->heard = now;
  worker->timelines.resize(event.threads);
  admit(workers.add(std::move(worker)), event.modules);
}

void Core::State::on(WorkerLeft& event) {
  if (Worker* worker = hear(event.worker)) lose_worker(*worker, "connection ended");
}

void Core::State::on(WorkerLeaving& event) {
  Worker* const worker = hear(event.worker);
  if (worker == nullptr) return;
  worker->answered = true;
  if (!worker->leaving) leave(*worker);
}

void Core::State::leave(Worker& worker) {
  worker.leaving = true;
  log(Log::Level::kInfo, "worker " + quoted(worker.name) + " is leaving; " +
                             counted(worker.assigned.size(), "task") + " still with it");
  withdraw(worker);
  tell_cluster_state();
}

void Core::State::on(WorkersAsked& event) {
  if (hear(event.client) == nullptr) return;
  SendWorkers answer{event.client, event.request, {}};
  workers.for_each([&](const Worker& worker) { answer.workers.push_back(info_of(worker)); });
  emit(std::move(answer));
}

void Core::State::on(WorkersRetired& event) {
  if (hear(event.client) == nullptr) return;
  SendWorkers answer{event.client, event.request, {}};
  for (const std::string& name : event.names) {
    const auto found = workers_by_name.find(name);
    if (found == workers_by_name.end()) continue;
    Worker& worker = *found->second;
    retire(worker);
    answer.workers.push_back(info_of(worker));
  }
  emit(std::move(answer));
}

void Core::State::retire(Worker& worker) {
  if (!worker.leaving) leave(worker);
  worker.retired = true;
  emit(SendRetire{worker.id});
}

// It died, or its connection ended before it answered: it is told again when it comes back.
void Core::State::remember_retired(const std::string& name) {
  while (retired.size() >= options.max_workers) retired.erase(retired.begin());
  retired[name] = now;
}

void Core::State::forget_retired() {
  std::erase_if(retired, [this](const auto& one) { return now - one.second > kRemembersRetired; });
}

void Core::State::on(WorkerHeard& event) { hear(event.worker); }

void Core::State::on(WorkerReported& event) {
  Worker* const worker = hear(event.worker);
  if (worker == nullptr) return;
  worker->memory = event.memory;
  worker->cpu = event.cpu;
}

Worker* Core::State::hear(WorkerId id) {
  Worker* const worker = workers.find(id);
  if (worker != nullptr) {
    worker->heard = now;
  } else {
    ++statistics.counters.dropped_other;
  }
  return worker;
}

void Core::State::replace_if_silent(const std::string& name) {
  // A worker that comes back after a cut network must not wait until its old connection times out.
  const auto found = workers_by_name.find(name);
  if (found == workers_by_name.end()) return;
  Worker& old = *found->second;
  if (now - old.heard <= 2 * options.heartbeat) return;
  emit(CloseWorker{old.id,
                   "a worker of this name has connected again while this connection was "
                   "silent",
                   CloseKind::kLost});
  lose_worker(old, "silent, and connected again");
}

std::string Core::State::refusal_for(const WorkerJoined& event) const {
  if (workers_by_name.contains(event.name)) {
    return "a worker named " + quoted(event.name) +
           " is connected already; give this one another --name";
  }
  if (workers.size() >= options.max_workers) {
    return "the scheduler has " + counted(workers.size(), "worker") + ", its limit";
  }
  if (pools.pool_count() >= options.max_module_sets &&
      !pools.has_pool({build_ids_of(event.modules), event.resources})) {
    return "the workers have " + counted(pools.pool_count(), "different set") +
           " of modules and resources, the scheduler's limit; start workers of the same build";
  }
  return "";
}

std::shared_ptr<Stock> Core::State::stock_of(const Worker& worker) {
  const auto own = [&] { return std::make_shared<Stock>(Stock{worker.resources, worker.resources}); };
  if (worker.resource_group.empty() || worker.resources.empty()) return own();
  auto& known = stocks[worker.resource_group];
  auto stock = known.lock();
  // After a new start with others.
  if (stock == nullptr || stock->all != worker.resources) known = stock = own();
  return stock;
}

void Core::State::admit(Worker& worker, const std::vector<ModuleInfo>& modules) {
  workers_by_name.emplace(worker.name, &worker);
  threads += worker.threads;
  no_worker_logged = false;
  log(Log::Level::kInfo, "worker " + quoted(worker.name) + " joined with " +
                             counted(worker.threads, "thread") + " and " +
                             counted(modules.size(), "module") +
                             (worker.resources.empty() ? "" : "; its resources: " + in_words(worker.resources)));
  if (pools.admit(worker, modules)) consider_all_waits();
  refresh_credit(worker);
  tell_cluster_state();
  if (retired.erase(worker.name) > 0) {
    log(Log::Level::kInfo, "worker " + quoted(worker.name) + " is told to leave for good, as it was before");
    return retire(worker);
  }
  dispatch_to(*worker.pool);
}

void Core::State::withdraw(Worker& worker) {
  if (worker.pool == nullptr) return;
  threads -= worker.threads;
  if (pools.withdraw(worker)) consider_all_waits();
}

void Core::State::refresh_credit(Worker& worker) {
  if (worker.pool != nullptr) set_credit(worker, credit_of(options, worker));
}

}  // namespace penstock::scheduler
