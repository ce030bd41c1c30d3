#include "tests/support/simulation/worker_process.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock::simulation {
namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(300);
constexpr Duration kPatienceWithOwnName = std::chrono::seconds(30);

}  // namespace

WorkerProcess::WorkerProcess(Environment& environment, Network& network, WorkerSpec spec,
                             std::uint64_t number, std::function<void(WorkerProcess&, End)> on_end)
    : Dialler(environment, network),
      spec_(std::move(spec)),
      number_(number),
      on_end_(std::move(on_end)),
      core_({.threads = spec_.threads}),
      jobs_(spec_.threads) {}

// ---- the connection -----------------------------------------------------------------------------

FromWorker WorkerProcess::hello() {
  scheduler::WorkerJoined joined{{}, spec_.name, spec_.threads, {}, 0, spec_.supervised};
  for (const auto& module : spec_.modules) joined.modules.push_back({module, module + ".so", 1});
  FromWorker batch;
  batch.hello = std::move(joined);
  return batch;
}

void WorkerProcess::welcomed() {
  plans_.clear();
  outbound_ = {};
  open_ = true;
  name_taken_since_.reset();
  handle(worker::Connected{});
}

void WorkerProcess::received(ToWorker&& batch) {
  if (!open_) return;
  for (auto& plan : batch.plans) {
    plans_[plan.id] = Function::parse(plan.definition);
    handle(worker::PlanArrived{plan.id});
  }
  for (auto& run : batch.runs) handle(std::move(run));
  if (!batch.cancels.empty()) handle(worker::TasksCancelled{std::move(batch.cancels)});
  for (const auto plan : batch.forgotten) handle(worker::PlanForgotten{plan});
}

bool WorkerProcess::fill(FromWorker& batch) {
  if (outbound_.empty()) {
    if (left_ && !farewell_) {
      farewell_ = true;
      connection_->up->end(Ending::kLost);
      after(kFarewell, [this] { close(Ending::kLost); });
    }
    return false;
  }
  // What does not fit goes later, but only outcomes: the rest is small and urgent.
  const std::size_t some = std::min(outbound_.done.size(), environment_.batch_limit);
  auto rest = std::move(outbound_.done);
  std::move(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(some),
            std::back_inserter(batch.done));
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(some));
  batch.returned = std::move(outbound_.returned);
  batch.status = outbound_.status;
  batch.leaving = outbound_.leaving;
  outbound_ = {};
  outbound_.done = std::move(rest);
  return true;
}

void WorkerProcess::ended() {
  if (open_) handle(worker::Disconnected{});
  open_ = false;
  plans_.clear();
  outbound_ = {};
}

bool WorkerProcess::tries_again(Ending ending) {
  const TimePoint now = environment_.queue.now();
  if (leaving_) {
    end(End::kLeft);
    return false;
  }
  if (ending != Ending::kNameTaken) {
    name_taken_since_.reset();
  } else if (!name_taken_since_) {
    name_taken_since_ = now;
  }
  const bool out_of_patience = name_taken_since_ && now - *name_taken_since_ > kPatienceWithOwnName;
  if (ending != Ending::kRefused && !out_of_patience) return true;
  end(End::kRefused);
  return false;
}

void WorkerProcess::end(End how) {
  environment_.report.note("worker process ends (how)", number_, static_cast<unsigned>(how));
  life_->alive = false;
  on_end_(*this, how);
}

void WorkerProcess::leave() {
  if (leaving_) return;
  environment_.report.note("worker is asked to leave", number_);
  leaving_ = true;
  handle(worker::LeaveRequested{});
  if (is_connected()) {
    write();
  } else {
    die(true);
    end(End::kLeft);
  }
}

void WorkerProcess::kill(bool tell_scheduler) {
  environment_.report.note("worker is killed (told)", number_, tell_scheduler);
  for (const auto& job : jobs_) {
    if (job) ++environment_.deaths[job->input];
  }
  die(tell_scheduler);
}

void WorkerProcess::send_stale(const std::vector<scheduler::TaskId>& tasks) {
  if (!open_) return;
  for (const auto task : tasks) {
    outbound_.done.push_back(
        {worker::TaskId{static_cast<std::uint64_t>(task)}, 0, std::string("stale"), 0, {}});
  }
  write();
}

std::vector<scheduler::TaskId> WorkerProcess::running() const {
  std::vector<scheduler::TaskId> ids;
  for (const auto& job : jobs_) {
    if (job) ids.push_back(scheduler::TaskId{static_cast<std::uint64_t>(job->task)});
  }
  return ids;
}

// ---- the core -----------------------------------------------------------------------------------

void WorkerProcess::handle(worker::Event&& event) {
  core_.handle(std::move(event), actions_);
  for (auto& action : actions_) {
    std::visit([this](auto& specific) { apply(specific); }, action);
  }
  actions_.clear();
  if (environment_.is_checked_now()) core_.check_invariants();
  if (open_ && (!outbound_.empty() || left_)) write();
}

void WorkerProcess::apply(worker::Execute& action) {
  const auto plan = plans_.find(action.plan);
  if (plan == plans_.end()) return environment_.report.fail("a worker runs an unknown plan");
  if (jobs_[action.thread]) return environment_.report.fail("a thread has two tasks");
  environment_.report.note("execute (worker, task, attempt)", number_,
                           static_cast<std::uint64_t>(action.task), action.attempt);
  std::string input(action.input);
  const Duration run = plan->second.run_time(input) * spec_.slowness;
  jobs_[action.thread] =
      Job{action.task, std::move(input), plan->second, environment_.queue.now()};
  // Not of the connection: what runs goes on when that ends.
  environment_.queue.after(run, life_, [this, thread = action.thread] { finish(thread); });
}

void WorkerProcess::apply(worker::SendDone& action) {
  if (!open_) return environment_.report.fail("an outcome outlives its connection");
  outbound_.done.push_back(std::move(action));
}

void WorkerProcess::finish(std::uint32_t thread) {
  if (jobs_[thread]->function.kills(jobs_[thread]->input)) {
    kill(true);
    end(End::kKilled);
    return;
  }
  const Job job = std::move(*jobs_[thread]);
  jobs_[thread].reset();
  worker::Result result = job.function.value(job.input);
  if (job.function.raises(job.input)) {
    result = worker::Failure{worker::FailureKind::kRaised, "std::runtime_error",
                             "cannot take " + job.input, ""};
  }
  handle(worker::ThreadFinished{thread, std::move(result), environment_.queue.now() - job.begin});
}

}  // namespace penstock::simulation
