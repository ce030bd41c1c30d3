#include "tests/support/simulation/world.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/support/simulation/faults.hpp"

namespace penstock::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

World::World(std::uint64_t seed, WorldOptions options)
    : environment_(seed, options.verbose),
      scenario_(draw_scenario(environment_.random)),
      network_(environment_) {
  environment_.thorough = options.thorough;
  environment_.terms = scenario_.terms;
  environment_.typical_latency = scenario_.typical_latency;
  environment_.batch_limit = scenario_.batch_limit;
  environment_.read_value = [this](const ValuePlace& place) { return read_value(place); };
  environment_.is_needed = [this](const ValuePlace& place) { return is_needed(place); };
  environment_.some_worker = [this] {
    const auto living = living_workers();
    return living.empty() ? std::string() : environment_.random.pick(living)->spec().name;
  };
}

World::~World() = default;

void World::run() {
  start_scheduler();
  for (const auto& spec : scenario_.workers) start_worker(spec);
  std::uint64_t number = 0;
  for (const auto& streams : scenario_.clients) start_client(++number, streams);
  Faults faults(*this);
  faults.schedule();
  const TimePoint end_of_faults = environment_.queue.now() + scenario_.fault_time;
  if (!run_until(end_of_faults, false)) return;
  heal();
  if (!run_until(end_of_faults + scenario_.limit, true)) return;
  if (!all_done()) return environment_.report.fail("not done in time: " + unfinished());
  for (auto& client : clients_) {
    for (auto& stream : client.streams) stream->forget_plan();
    client.process->flush();
  }
  // Silence is the slowest to be noticed, and tasks that nobody waits for may still run.
  const Duration quiet =
      3 * (environment_.terms.silence + environment_.terms.heartbeat) + seconds(20);
  if (run_until(environment_.queue.now() + quiet, false)) judge();
}

// ---- processes ----------------------------------------------------------------------------------

void World::start_scheduler() {
  environment_.report.note("scheduler starts");
  scheduler_ = std::make_unique<SchedulerProcess>(environment_);
  network_.listen(scheduler_.get());
}

void World::stop_scheduler(bool tells_peers, Duration pause) {
  if (!scheduler_) return;
  environment_.report.note("scheduler stops (told)", tells_peers);
  network_.listen(nullptr);
  scheduler_->stop(tells_peers);
  old_schedulers_.push_back(std::move(scheduler_));
  environment_.queue.after(pause, nullptr, [this] { start_scheduler(); });
}

void World::start_worker(WorkerSpec spec) {
  environment_.report.note("worker starts (threads)", ++started_workers_, spec.threads);
  workers_.push_back(std::make_unique<WorkerProcess>(
      environment_, network_, std::move(spec), started_workers_,
      [this](WorkerProcess& worker, WorkerProcess::End how) { worker_ended(worker, how); }));
  workers_.back()->start();
}

void World::start_worker_later(WorkerSpec spec, Duration pause) {
  environment_.queue.after(pause, nullptr, [this, spec = std::move(spec)] { start_worker(spec); });
}

void World::worker_ended(WorkerProcess& worker, WorkerProcess::End how) {
  if (how == WorkerProcess::End::kRefused) {
    // A twin gives up after its patience; every other one has a right to its name.
    environment_.report.note("worker gives up", worker.number());
    return;
  }
  if (how == WorkerProcess::End::kKilled) return supervise_honestly(worker);
  if (scenario_.honest) {
    report_exit({worker.spec().name, 0, 0, worker.running(), ""}, prompt_report());
  }
  if (!healed_ && environment_.random.chance(70)) {
    start_worker_later(worker.spec(), environment_.random.between(milliseconds(0), seconds(2)));
  }
}

void World::report_exit(scheduler::WorkerExited report, Duration delay) {
  environment_.queue.after(delay, nullptr, [this, report = std::move(report)] {
    if (scheduler_) scheduler_->exited(report);
  });
}

Duration World::prompt_report() {
  return environment_.random.between(Duration{0}, scenario_.terms.exit_report_timeout / 4);
}

// Reports what ran before the new one starts, as the real supervisor does.
void World::supervise_honestly(const WorkerProcess& worker) {
  const Duration delay = prompt_report();
  report_exit({worker.spec().name, -1, 11, worker.running(), "segmentation fault"}, delay);
  start_worker_later(worker.spec(),
                     delay + environment_.random.between(milliseconds(10), seconds(1)));
}

void World::kill_worker(WorkerProcess& worker) {
  auto& random = environment_.random;
  if (scenario_.honest) {
    worker.kill(random.chance(80));
    return supervise_honestly(worker);
  }
  auto running = worker.running();
  worker.kill(random.chance(80));
  WorkerSpec next = worker.spec();
  if (random.chance(30)) next.name = "x" + std::to_string(++new_names_);
  if (random.chance(80)) {
    start_worker_later(std::move(next), random.between(milliseconds(0), seconds(3)));
  }
  if (!worker.spec().supervised || random.chance(30)) return;
  if (random.chance(30)) running.push_back(scheduler::TaskId{1ull << 32 | random.below(20)});
  if (random.chance(30) && !running.empty()) running.pop_back();
  const bool late = random.chance(30);
  report_exit({worker.spec().name, -1, 9, std::move(running), "killed"},
              random.between(Duration{0}, late ? seconds(10) : seconds(1)));
}

void World::start_client(std::uint64_t number, const std::vector<StreamSpec>& streams) {
  Client client;
  client.process = std::make_unique<ClientProcess>(environment_, network_, number);
  for (const auto& spec : streams) {
    client.streams.push_back(std::make_unique<Stream>(environment_, *client.process, spec));
    elements_ += spec.elements;
  }
  client.process->start();
  for (auto& stream : client.streams) stream->start();
  clients_.push_back(std::move(client));
}

// ---- values -------------------------------------------------------------------------------------

std::optional<std::string> World::read_value(const ValuePlace& place) {
  std::optional<std::string> value;
  if (healed_ || !environment_.random.chance(scenario_.unreadable_percent)) {
    for (const auto* worker : living_workers()) {
      if (worker->number() == place.process) value = worker->value(place);
    }
  }
  ++(value ? environment_.values.read : environment_.values.unreadable);
  return value;
}

bool World::is_needed(const ValuePlace& place) const {
  for (const auto* worker : living_workers()) {
    if (worker->client() != nullptr && worker->client()->needs(place)) return true;
  }
  return std::any_of(clients_.begin(), clients_.end(),
                     [&](const Client& client) { return !client.dead && client.process->needs(place); });
}

// No more faults, and somebody is there who can run anything.
void World::heal() {
  environment_.report.note("the faults are over");
  healed_ = true;
  WorkerSpec able;
  able.name = "able";
  able.threads = 2;
  able.modules = {"a", "b"};
  able.supervised = scenario_.honest;
  start_worker(std::move(able));
}

std::vector<WorkerProcess*> World::living_workers() const {
  std::vector<WorkerProcess*> living;
  for (const auto& worker : workers_) {
    if (worker->is_alive()) living.push_back(worker.get());
  }
  return living;
}

// ---- the run ------------------------------------------------------------------------------------

bool World::run_until(TimePoint time, bool until_done) {
  auto& queue = environment_.queue;
  while (queue.now() < time && queue.run_next()) {
    if (environment_.report.failed()) return false;
    if (environment_.is_checked_now()) check_all();
    if (until_done && all_done()) break;
  }
  return !environment_.report.failed();
}

bool World::all_done() const {
  for (const auto& client : clients_) {
    if (client.dead) continue;
    for (const auto& stream : client.streams) {
      if (!stream->is_done()) return false;
    }
  }
  return true;
}

std::uint64_t World::delivered() const {
  std::uint64_t sum = 0;
  for (const auto& client : clients_) {
    for (const auto& stream : client.streams) sum += stream->delivered();
  }
  return sum;
}

}  // namespace penstock::simulation
