#include <algorithm>
#include <map>
#include <string>

#include "scheduler/core/core.hpp"
#include "scheduler/core/state.hpp"

namespace penstock::scheduler {
namespace {

WorkerSnapshot show(const Worker& worker, TimePoint now) {
  WorkerSnapshot shown;
  shown.id = worker.id;
  shown.name = worker.name;
  shown.threads = worker.threads;
  shown.memory = worker.memory;
  shown.memory_limit = worker.memory_limit;
  shown.cpu = worker.cpu;
  shown.assigned = worker.assigned.size();
  shown.done = worker.done;
  shown.failed = worker.failed;
  shown.leaving = worker.leaving;
  shown.waiting = worker.waiting;
  shown.resources = worker.resources;
  shown.free = worker.stock->free;
  shown.joined = worker.joined;
  shown.heard = worker.heard;
  for (const Timeline& timeline : worker.timelines) shown.timeline.push_back(timeline.spans(now));
  return shown;
}

ClientSnapshot show(const Client& client) {
  return {client.id,   client.name,   client.waiting, client.assigned,
          client.done, client.failed, client.joined};
}

PlanSnapshot show(const Plan& plan) {
  return {plan.id, *plan.label, plan.waiting, plan.assigned, plan.done, plan.failed, plan.mean_run};
}

ProgramSnapshot show(const Program& program, const std::map<std::string, Host>& hosts) {
  using Place = ProgramSnapshot::Place;
  const Place place = program.stored ? Place::kHere : program.coming ? Place::kComing : Place::kClient;
  ProgramSnapshot shown{program.offer.name, program.offer.sha256, program.offer.size, program.clients, place, 0, 0,
                        program.failure};
  for (const auto& [name, host] : hosts) {
    const Hosted* const hosted = host.find(program);
    if (hosted == nullptr) continue;
    if (hosted->state == Hosted::State::kRunning) ++shown.running;
    if (hosted->state != Hosted::State::kFailed) continue;
    ++shown.failed;
    shown.failure = name + ": " + hosted->failure;
  }
  return shown;
}

}  // namespace

Snapshot Core::snapshot(TimePoint now) const {
  Snapshot result;
  result.at = now;
  state_->statistics.fill(result, now);
  state_->workers.for_each([&](const Worker& worker) {
    result.workers.push_back(show(worker, now));
    result.assigned += worker.assigned.size();
    result.running += std::min<std::uint64_t>(worker.assigned.size() - worker.waiting, worker.threads);
  });
  state_->clients.for_each([&](const Client& client) {
    result.clients.push_back(show(client));
    result.waiting += client.waiting;
  });
  for (const Plan* plan : state_->plans.by_id()) result.plans.push_back(show(*plan));
  for (const auto& [sha256, program] : state_->programs) result.programs.push_back(show(*program, state_->hosts));
  result.hosts = state_->hosts.size();
  return result;
}

}  // namespace penstock::scheduler
