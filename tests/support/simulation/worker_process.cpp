#include "tests/support/simulation/worker_process.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <penstock/detail/check.hpp>

namespace penstock::simulation {
namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(300);
constexpr Duration kPatienceWithOwnName = std::chrono::seconds(30);
constexpr std::uint64_t kFirstClientOfTasks = 1'000;

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
  store_.clear();
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
  // The values of what runs for nobody would stay for ever.
  for (std::uint32_t thread = 0; thread < jobs_.size(); ++thread) {
    auto& job = jobs_[thread];
    if (!job) continue;
    job->unwanted = job->unwanted || std::count(batch.cancels.begin(), batch.cancels.end(), job->task) > 0 ||
                    std::count(batch.gone_clients.begin(), batch.gone_clients.end(), job->client) > 0;
    if (job->unwanted && job->wants_on) go_on_without_a_place(thread);
  }
  if (!batch.cancels.empty()) handle(worker::TasksCancelled{std::move(batch.cancels)});
  for (const auto plan : batch.forgotten) handle(worker::PlanForgotten{plan});
  free(batch.freed);
  for (const auto client : batch.gone_clients) store_.drop(client);
}

void WorkerProcess::free(const std::vector<worker::ValueName>& names) {
  for (const auto& name : names) {
    const auto value = store_.find(name);
    if (value == nullptr) continue;
    ++environment_.values.freed;
    environment_.report.note("free (worker, task, attempt)", number_, static_cast<std::uint64_t>(name.task),
                             name.attempt);
    const scheduler::ValueName same{scheduler::TaskId{static_cast<std::uint64_t>(name.task)}, name.attempt};
    if (environment_.is_needed({spec_.name, number_, same, value->name()})) {
      environment_.report.fail("a value is freed that somebody needs");
    }
  }
  store_.free(names);
}

std::optional<std::string> WorkerProcess::value(const ValuePlace& place) const {
  const auto found = store_.find({worker::TaskId{static_cast<std::uint64_t>(place.name.task)}, place.name.attempt});
  if (found == nullptr || found->name() != place.identity) return std::nullopt;
  return std::string(found->bytes()->view);
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
  batch.waits = std::move(outbound_.waits);
  batch.returned = std::move(outbound_.returned);
  batch.status = outbound_.status;
  batch.leaving = outbound_.leaving;
  outbound_ = {};
  outbound_.done = std::move(rest);
  return true;
}

void WorkerProcess::ended() {
  store_.clear();
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
  end_client(true);
  on_end_(*this, how);
}

void WorkerProcess::end_client(bool tell_scheduler) {
  if (client_ && client_->is_alive()) client_->die(tell_scheduler);
}

void WorkerProcess::freeze(Duration time) {
  Dialler::freeze(time);
  if (client_) client_->freeze(time);
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
    if (job) ++environment_.deaths[own_part(job->input)];
  }
  die(tell_scheduler);
  end_client(tell_scheduler);
}

void WorkerProcess::send_stale(const std::vector<scheduler::TaskId>& tasks) {
  if (!open_) return;
  for (const auto task : tasks) {
    outbound_.done.push_back(
        {{worker::TaskId{static_cast<std::uint64_t>(task)}, 0, std::string("stale"), 0, {}},
         environment_.random.chance(30)});
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
  jobs_[action.thread] = Job{action.task, std::string(action.input), plan->second, environment_.queue.now(),
                             parse_values(std::string(action.kept)), action.client};
  if (jobs_[action.thread]->missing.empty()) return begin(action.thread);
  environment_.queue.after(environment_.latency(), life_, [this, thread = action.thread] { read_input(thread); });
}

void WorkerProcess::read_input(std::uint32_t thread) {
  Job& job = *jobs_[thread];
  std::vector<std::uint32_t> lost;
  // From behind, so that the places stay right.
  for (std::size_t i = job.missing.size(); i-- > 0;) {
    const auto value = environment_.read_value(job.missing[i].second);
    if (value) job.input.insert(job.missing[i].first, *value);
    if (!value) lost.push_back(static_cast<std::uint32_t>(i));
  }
  if (lost.empty()) return begin(thread);
  jobs_[thread].reset();
  worker::Failure failure{worker::FailureKind::kInputLost, "", "an input cannot be read", "", std::move(lost)};
  handle(worker::ThreadFinished{thread, std::move(failure), {}});
}

void WorkerProcess::begin(std::uint32_t thread) {
  const Job& job = *jobs_[thread];
  const Duration run = run_time(job);
  if (!job.function.asks(job.input)) return end_after(thread, run);
  environment_.queue.after(run / 2, life_, [this, thread] { ask(thread); });
}

Duration WorkerProcess::run_time(const Job& job) const {
  return job.function.run_time(job.input) * spec_.slowness;
}

// Not of the connection: what runs goes on when that ends.
void WorkerProcess::end_after(std::uint32_t thread, Duration run) {
  environment_.queue.after(run, life_, [this, thread] { finish(thread); });
}

// ---- tasks of tasks -----------------------------------------------------------------------------

void WorkerProcess::ask(std::uint32_t thread) {
  if (!client_) {
    client_ = std::make_unique<ClientProcess>(environment_, network_, kFirstClientOfTasks + number_);
    client_->start();
  }
  Job& job = *jobs_[thread];
  job.asked_plan = client_->make_plan(job.function.asked(), {"a"});
  job.asked = client_->submit(job.asked_plan, Function::asked_input(job.input), detail::Want::kHere);
  ++environment_.asked;
  PENSTOCK_CHECK(core_.may_wait());
  if (core_.needs_thread_to_wait() && core_.add_thread() == jobs_.size()) jobs_.emplace_back();
  handle(worker::ThreadWaits{thread});
  jobs_[thread]->asked->watch([this, life = life_, thread] {
    if (life->alive) answered(thread);
  });
}

void WorkerProcess::answered(std::uint32_t thread) {
  Job& job = *jobs_[thread];
  const auto& outcome = job.asked->outcome();
  job.answer = outcome.value;
  job.answer_lost = outcome.error != nullptr;
  job.asked = nullptr;
  job.asked_plan = nullptr;
  job.wants_on = true;
  handle(worker::ThreadWantsOn{thread});
  if (job.unwanted && job.wants_on) go_on_without_a_place(thread);
}

void WorkerProcess::apply(worker::GoOn& action) {
  Job& job = *jobs_[action.thread];
  job.wants_on = false;
  end_after(action.thread, run_time(job) / 2);
}

// As it was asked to stop.
void WorkerProcess::go_on_without_a_place(std::uint32_t thread) {
  Job& job = *jobs_[thread];
  job.wants_on = false;
  handle(worker::ThreadGoesOn{thread});
  end_after(thread, run_time(job) / 2);
}

// ---- outcomes -----------------------------------------------------------------------------------

void WorkerProcess::apply(worker::SendDone& action) {
  if (!open_) return environment_.report.fail("an outcome outlives its connection");
  const auto* const kept = std::get_if<worker::Kept>(&action.result);
  if (kept == nullptr) return outbound_.done.push_back({std::move(action)});
  if (!finished_->unwanted) store_.hold(finished_->client, {action.task, action.attempt}, kept->value);
  const scheduler::TaskId task{static_cast<std::uint64_t>(action.task)};
  action.result = ValuePlace{spec_.name, number_, {task, action.attempt}, kept->value->name()}.text();
  outbound_.done.push_back({std::move(action), true});
}

void WorkerProcess::finish(std::uint32_t thread) {
  if (jobs_[thread]->function.kills(jobs_[thread]->input)) {
    kill(true);
    end(End::kKilled);
    return;
  }
  const Job& job = finished_.emplace(std::move(*jobs_[thread]));
  jobs_[thread].reset();
  handle(worker::ThreadFinished{thread, result_of(job), environment_.queue.now() - job.begin});
  if (core_.has_spare_thread() && !jobs_[thread]) core_.remove_thread(thread);
}

worker::Result WorkerProcess::result_of(const Job& job) const {
  const auto raised = [](std::string text) {
    return worker::Failure{worker::FailureKind::kRaised, "std::runtime_error", std::move(text), ""};
  };
  if (job.answer_lost) return raised("lost what " + own_part(job.input) + " asked for");
  if (job.function.raises(job.input)) return raised("cannot take " + job.input);
  std::string value = job.function.value(job.input, job.answer);
  if (!job.function.keeps(job.input)) return value;
  return worker::Kept{std::make_shared<worker::StoredValue>(std::move(value))};
}

}  // namespace penstock::simulation
