// Thousands of random events, many of them nonsense, against what every observer may rely on.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/core.hpp"
#include "tests/support/scheduler_core_text.hpp"

namespace penstock::scheduler::testing {
namespace {

using namespace std::chrono_literals;  // NOLINT

// Plays clients, workers and supervisors, and watches what the core does to each of them.
class Chaos {
 public:
  explicit Chaos(unsigned seed)
      : random_(seed),
        core_({.max_lost_workers = 3, .max_tasks_per_client = 40, .max_module_sets = 6}, now_) {}

  std::string run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    return record_;
  }

  // Lets everything come to its end, then no client may still wait for an outcome.
  void expect_every_task_to_end() {
    for (int i = 0; i < 200; ++i) {
      now_ += 1s;
      for (std::uint64_t client : clients_) handle(ClientHeard{ClientId{client}});
      handle(Tick{});
    }
    for (const auto& [client, unfinished] : unfinished_) {
      EXPECT_TRUE(unfinished.empty() || !clients_.contains(client)) << "client " << client;
    }
    EXPECT_TRUE(unanswered_.empty());
  }

 private:
  std::uint64_t any(std::uint64_t below) { return random_() % below; }

  std::uint64_t pick(const std::set<std::uint64_t>& ids) {
    if (ids.empty() || any(50) == 0) return any(next_peer_ + 2);
    return *std::next(ids.begin(), static_cast<std::ptrdiff_t>(any(ids.size())));
  }

  void step() {
    now_ += Duration{static_cast<std::int64_t>(any(40'000'000))};
    switch (any(28)) {
      case 0:
        return join_client();
      case 1:
        return any(4) == 0 ? leave_client() : void();
      case 2:
        return join_worker();
      case 3:
        return any(2) == 0 ? leave_worker(pick(workers_)) : void();
      case 4:
        return handle(WorkerLeaving{WorkerId{any(6) == 0 ? pick(workers_) : 0}});
      case 5:
        return report_exit("w" + std::to_string(any(5)));
      case 6:
        return forget_plan();
      case 7:
        return cancel();
      case 8:
        return handle(Tick{});
      case 9:
        return hear_everybody();
      case 10:
        return give_back();
      case 11:
        return wait();
      case 24:
      case 25:
        return report_host();
      case 26:
        return handle(ProgramArrived{ClientId{pick(clients_)}, any_program().sha256});
      case 27:
        return any(3) == 0 ? handle(ProgramFailed{ClientId{pick(clients_)}, any_program().sha256, "no"}) : void();
      default:
        return any(2) == 0 ? submit() : finish();
    }
  }

  void join_client() {
    if (clients_.size() > 3) return;
    const std::uint64_t id = ++next_peer_;
    clients_.insert(id);
    ClientJoined event{ClientId{id}, "client"};
    if (any(2) == 0) event.program = any_program();
    handle(std::move(event));
    for (std::uint32_t plan = 0; plan < 5; ++plan) define(id, plan);
  }

  void define(std::uint64_t client, std::uint32_t plan) {
    const std::vector<std::vector<std::string>> modules = {{"a"}, {"b"}, {"a", "b"}, {"c"}, {}};
    const std::string name = "f" + std::to_string(plan);
    Resources needs;
    if (plan % 2 == 1) needs["gpu"] = static_cast<std::int64_t>(plan) * 500;
    handle(PlanDefined{ClientId{client}, plan, name, modules[plan], name, "program", 0, needs});
  }

  ProgramOffer any_program() { return program_offer(std::vector{"c", "a", "d", "e"}[any(4)], 1 + any(3)); }

  // Who says anything.
  void report_host() {
    HostReported event{++reports_, "h" + std::to_string(any(3)), 1 + any(2), static_cast<std::uint32_t>(any(3))};
    for (std::uint64_t i = any(4); i > 0; --i) {
      event.programs.push_back({any_program(), any(2) == 0, any(4) == 0 ? "broken" : ""});
    }
    unanswered_.insert(event.report);
    handle(std::move(event));
  }

  void leave_client() {
    const std::uint64_t id = pick(clients_);
    clients_.erase(id);
    unfinished_.erase(id);
    handle(ClientLeft{ClientId{id}});
  }

  void join_worker() {
    const std::uint64_t id = ++next_peer_;
    WorkerJoined event{WorkerId{id}, "w" + std::to_string(any(5))};
    event.threads = static_cast<std::uint32_t>(1 + any(3));
    event.supervised = any(2) == 0;
    for (const char* module : {"a", "b"}) {
      if (any(3) > 0) event.modules.push_back({module, module, 1});
    }
    if (any(2) == 0) event.resources["gpu"] = 2000;
    workers_.insert(id);
    handle(std::move(event));
  }

  void leave_worker(std::uint64_t id) {
    workers_.erase(id);
    plans_at_.erase(id);
    runs_.erase(id);
    handle(WorkerLeft{WorkerId{id}});
  }

  void report_exit(std::string name) {
    WorkerExited event{std::move(name), -1, 11};
    for (std::uint64_t i = any(3); i > 0; --i)
      event.running.push_back(task_id(any(40), 1 + any(9)));
    for (const auto& [worker, runs] : runs_) {
      if (any(3) == 0 && !runs.empty()) event.running.push_back(runs.begin()->first);
    }
    handle(std::move(event));
  }

  void forget_plan() {
    const std::uint64_t client = pick(clients_);
    const auto plan = static_cast<std::uint32_t>(any(6));
    handle(PlanForgotten{ClientId{client}, plan});
    if (plan < 5 && any(3) > 0) define(client, plan);
  }

  void submit() {
    const std::uint64_t client = pick(clients_);
    const auto last = last_submitted_.find(client);
    const bool repeated = last != last_submitted_.end() && any(30) == 0;
    const std::uint64_t id = repeated ? last->second : ++next_task_;
    if (!repeated && clients_.contains(client)) unfinished_[client].insert(id);
    if (clients_.contains(client)) last_submitted_[client] = id;
    const auto plan = static_cast<std::uint32_t>(any(6));
    handle(TaskSubmitted{ClientId{client}, id, plan, absl::Cord(std::to_string(id))});
  }

  void cancel() {
    const std::uint64_t client = pick(clients_);
    auto& unfinished = unfinished_[client];
    const std::uint64_t id = unfinished.empty() ? any(100) : *unfinished.begin();
    unfinished.erase(id);
    handle(TaskCancelled{ClientId{client}, id});
  }

  void finish() {
    const std::uint64_t worker = pick(workers_);
    auto& runs = runs_[worker];
    if (runs.empty()) return;
    const auto [task, attempt] = *runs.begin();
    if (any(10) > 0) runs.erase(runs.begin());  // else it is finished a second time later
    Result result = absl::Cord("ok");
    if (any(10) == 0) result = Failure{FailureKind::kRaised, "E", "no"};
    handle(TaskFinished{WorkerId{worker}, task, any(20) == 0 ? 0 : attempt, std::move(result), 0,
                        Duration{static_cast<std::int64_t>(any(3'000'000))}});
  }

  void wait() {
    const std::uint64_t worker = pick(workers_);
    for (const auto& [task, attempt] : std::map(runs_[worker])) {
      if (any(3) == 0) handle(TaskWaits{WorkerId{worker}, task, any(20) == 0 ? 0 : attempt, any(3) > 0});
    }
  }

  void give_back() {
    const std::uint64_t worker = pick(workers_);
    auto& runs = runs_[worker];
    if (runs.empty()) return;
    const TaskId task = runs.rbegin()->first;
    runs.erase(task);
    handle(TaskReturned{WorkerId{worker}, task});
  }

  void hear_everybody() {
    for (std::uint64_t id : std::set(clients_)) handle(ClientHeard{ClientId{id}});
    for (std::uint64_t id : std::set(workers_)) {
      if (any(8) > 0) handle(WorkerHeard{WorkerId{id}});
    }
  }

  void handle(Event event) {
    std::vector<Action> out;
    core_.handle(std::move(event), now_, out);
    core_.check_invariants();
    for (const Action& action : out) {
      record_ += to_text(action) + "\n";
      std::visit([this](const auto& done) { watch(done); }, action);
    }
  }

  void watch(const SendPlan& a) {
    const auto worker = static_cast<std::uint64_t>(a.worker);
    EXPECT_TRUE(plans_at_[worker].insert(a.plan).second) << "a plan was sent twice";
  }
  void watch(const SendForgetPlan& a) {
    const auto worker = static_cast<std::uint64_t>(a.worker);
    EXPECT_EQ(plans_at_[worker].erase(a.plan), 1u) << "forgets a plan it never sent";
  }
  void watch(const SendTask& a) {
    const auto worker = static_cast<std::uint64_t>(a.worker);
    EXPECT_TRUE(workers_.contains(worker)) << "sent a task to a worker that is gone";
    EXPECT_TRUE(plans_at_[worker].contains(a.plan)) << "sent a task ahead of its plan";
    EXPECT_GT(a.attempt, std::exchange(attempts_[a.task], a.attempt));
    runs_[worker][a.task] = a.attempt;
  }
  void watch(const SendOutcome& a) {
    const auto client = static_cast<std::uint64_t>(a.client);
    EXPECT_EQ(unfinished_[client].erase(a.id), 1u) << "an outcome nobody waits for";
  }
  void watch(const CloseClient& a) {
    clients_.erase(static_cast<std::uint64_t>(a.client));
    unfinished_.erase(static_cast<std::uint64_t>(a.client));
  }
  void watch(const CloseWorker& a) {
    const auto worker = static_cast<std::uint64_t>(a.worker);
    workers_.erase(worker);
    plans_at_.erase(worker);
    runs_.erase(worker);
  }
  void watch(const SendCancel&) {}
  void watch(const SendFree&) {}
  void watch(const SendUnshare&) {}
  void watch(const SendAnswer&) {}
  void watch(const SendNameAsked&) {}
  void watch(const SendGoneClient&) {}
  void watch(const SendWorkers&) {}
  void watch(const SendRetire&) {}
  void watch(const SendProgramRequest&) {}
  void watch(const DropProgram&) {}
  void watch(const SendOrders& a) { EXPECT_EQ(unanswered_.erase(a.report), 1u) << "a report has one answer"; }
  void watch(const RefuseReport& a) { EXPECT_EQ(unanswered_.erase(a.report), 1u) << "a report has one answer"; }
  void watch(const SendClusterState&) {}
  void watch(const SendHeartbeats&) {}
  void watch(const Log&) {}

  std::mt19937 random_;
  TimePoint now_{1h};
  Core core_;
  std::string record_;
  std::uint64_t next_peer_ = 0;
  std::uint64_t reports_ = 0;
  std::set<std::uint64_t> unanswered_;
  std::uint64_t next_task_ = 0;
  std::map<std::uint64_t, std::uint64_t> last_submitted_;  // by client
  std::set<std::uint64_t> clients_;
  std::set<std::uint64_t> workers_;
  std::map<std::uint64_t, std::set<std::uint64_t>> unfinished_;  // by client
  std::map<std::uint64_t, std::set<PlanId>> plans_at_;           // by worker
  std::map<std::uint64_t, std::map<TaskId, std::uint32_t>> runs_;
  std::map<TaskId, std::uint32_t> attempts_;
};

class RandomEvents : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomEvents, BreakNothingAndEveryTaskEndsOnce) {
  Chaos chaos(GetParam());
  chaos.run(3000);
  chaos.expect_every_task_to_end();
}

TEST_P(RandomEvents, GiveTheSameActionsTwice) {
  EXPECT_EQ(Chaos(GetParam()).run(1500), Chaos(GetParam()).run(1500));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, ::testing::Range(0u, 20u));

}  // namespace
}  // namespace penstock::scheduler::testing
