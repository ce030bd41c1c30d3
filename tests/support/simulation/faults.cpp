#include "tests/support/simulation/faults.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace penstock::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

void Faults::schedule() {
  for (const Fault fault : world_.scenario_.faults) {
    const Duration when = random_.between(Duration{0}, world_.scenario_.fault_time);
    world_.environment_.queue.after(when, nullptr,
                                    [&world = world_, fault] { Faults(world).commit(fault); });
  }
}

void Faults::commit(Fault fault) {
  if (world_.healed_) return;
  world_.environment_.report.note("fault", static_cast<std::uint64_t>(fault));
  switch (fault) {
    case Fault::kCut:
    case Fault::kHalfOpen:
    case Fault::kSwallow:
      return break_cable(fault);
    case Fault::kKillScheduler:
    case Fault::kStopScheduler:
    case Fault::kFreezeScheduler:
      return trouble_scheduler(fault);
    case Fault::kFreezeClient:
    case Fault::kKillClient:
      return trouble_client(fault);
    case Fault::kNewWorker:
      return add_worker(nullptr);
    default:
      return trouble_worker(fault);
  }
}

void Faults::break_cable(Fault fault) {
  const auto cables = world_.network_.cables();
  if (cables.empty()) return;
  Cable& cable = *random_.pick(cables);
  if (fault == Fault::kSwallow) return cable.swallow(random_.chance(50));
  std::optional<Duration> dialler = random_.between(Duration{0}, milliseconds(100));
  std::optional<Duration> scheduler = random_.between(Duration{0}, milliseconds(100));
  if (fault == Fault::kHalfOpen) {
    if (random_.chance(60)) dialler.reset();
    if (random_.chance(60)) scheduler.reset();
  }
  cable.cut(dialler, scheduler);
}

void Faults::trouble_worker(Fault fault) {
  const auto living = world_.living_workers();
  if (living.empty()) return;
  WorkerProcess& worker = *random_.pick(living);
  // Evidence about one that the scheduler does not know yet would come too early to be of use.
  if (world_.scenario_.honest && !worker.core().snapshot().connected) return;
  switch (fault) {
    case Fault::kKillWorker:
      return world_.kill_worker(worker);
    case Fault::kLeave:
      return worker.leave();
    case Fault::kFreezeWorker:
      return worker.freeze(freezing_time());
    case Fault::kFalseReport:
      return world_.report_exit({worker.spec().name, 1, 0, worker.running(), "a lie"}, Duration{0});
    case Fault::kStaleOutcomes:
      for (const auto* other : living) worker.send_stale(other->running());
      return;
    default:
      return add_worker(&worker);
  }
}

void Faults::add_worker(const WorkerProcess* twin_of) {
  WorkerSpec spec = random_.pick(world_.scenario_.workers);
  spec.name = twin_of != nullptr ? twin_of->spec().name : "n" + std::to_string(++world_.new_names_);
  world_.start_worker(std::move(spec));
}

void Faults::trouble_scheduler(Fault fault) {
  if (!world_.scheduler_) return;
  if (fault == Fault::kFreezeScheduler) return world_.scheduler_->freeze(freezing_time());
  world_.stop_scheduler(fault == Fault::kStopScheduler || random_.chance(70),
                        random_.between(Duration{0}, seconds(3)));
}

void Faults::trouble_client(Fault fault) {
  auto& client = random_.pick(world_.clients_);
  if (client.dead) return;
  if (fault == Fault::kFreezeClient) return client.process->freeze(freezing_time());
  world_.environment_.report.note("client is killed", client.process->number());
  client.dead = true;
  client.process->die(random_.chance(70));
}

// Around the limits of silence, where it matters most.
Duration Faults::freezing_time() {
  return random_.between(Duration{0}, world_.environment_.terms.silence * 2);
}

}  // namespace penstock::simulation
