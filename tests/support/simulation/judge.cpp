// What must hold of a world while it runs, and when it has come to rest.
#include <cstdint>
#include <string>

#include "tests/support/simulation/world.hpp"

namespace penstock::simulation {

void World::check_all() {
  auto& report = environment_.report;
  if (scheduler_) scheduler_->core().check_invariants();
  // Each element makes a few events; heartbeats and timers some more.
  if (environment_.queue.size() > 100 * elements_ + 10'000) report.fail("events without end");
  if (scheduler_ && scheduler_->longest_outbox() > 10 * elements_ + 100) {
    report.fail("a peer's outbox grows without end");
  }
  for (const auto& client : clients_) {
    if (client.process->unsent() > client.process->unsettled() + elements_) {
      report.fail("a client has more to send than it owns");
    }
  }
  for (const auto* worker : living_workers()) {
    const std::uint64_t most = worker->spec().threads * (1 + environment_.terms.max_prefetch);
    if (worker->core().snapshot().queued > most) report.fail("a worker has more than its credit");
  }
}

std::string World::unfinished() const {
  std::string text;
  for (const auto& client : clients_) {
    for (const auto& stream : client.streams) {
      if (!client.dead && !stream->is_done()) text += stream->progress() + "; ";
    }
  }
  if (!scheduler_) return text + "no scheduler";
  const auto snapshot = scheduler_->core().snapshot(environment_.queue.now());
  return text + "scheduler: " + std::to_string(snapshot.waiting) + " waiting, " +
         std::to_string(snapshot.assigned) + " assigned, " +
         std::to_string(snapshot.workers.size()) + " workers";
}

void World::judge() {
  auto& report = environment_.report;
  for (const auto* worker : living_workers()) {
    if (worker->client() != nullptr) judge_client(*worker->client());
  }
  for (const auto& client : clients_) {
    if (client.dead) continue;
    judge_client(*client.process);
    for (const auto& stream : client.streams) {
      if (stream->in_window() != 0) report.fail("a window is not empty: " + stream->progress());
    }
  }
  if (!scheduler_) return report.fail("no scheduler");
  const auto snapshot = scheduler_->core().snapshot(environment_.queue.now());
  if (snapshot.waiting != 0 || snapshot.assigned != 0) {
    report.fail("the scheduler keeps tasks: " + unfinished());
  }
  if (!snapshot.plans.empty()) report.fail("the scheduler keeps plans");
  judge_peers(snapshot);
}

void World::judge_client(const ClientProcess& client) {
  auto& report = environment_.report;
  if (client.unsettled() != 0 || client.unsettled_bytes() != 0) report.fail("a ledger is not empty");
  if (client.unsent() != 0) report.fail("a client has something to send");
  if (client.values() != 0) report.fail("a client keeps values");
}

void World::judge_peers(const scheduler::Snapshot& snapshot) {
  auto& report = environment_.report;
  std::size_t living = 0;
  for (const auto& client : clients_) living += client.dead ? 0 : 1;
  for (const auto* worker : living_workers()) living += worker->client() != nullptr ? 1 : 0;
  if (snapshot.clients.size() != living) {
    report.fail("the scheduler sees " + std::to_string(snapshot.clients.size()) + " clients of " +
                std::to_string(living));
  }
  std::size_t connected = 0;
  for (const auto* worker : living_workers()) {
    const auto state = worker->core().snapshot();
    if (state.running != 0 || state.waiting != 0 || state.queued != 0) report.fail("a worker is not idle");
    if (state.connected) ++connected;
    if (state.connected && state.plans != 0) report.fail("a worker keeps plans");
    if (worker->values() != 0) report.fail("a worker keeps values that nobody needs");
  }
  if (snapshot.workers.size() < 1 || snapshot.workers.size() > connected) {
    report.fail("the scheduler sees " + std::to_string(snapshot.workers.size()) + " workers of " +
                std::to_string(connected));
  }
}

}  // namespace penstock::simulation
