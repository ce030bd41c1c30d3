// A scheduler core in virtual time for tests of about ten lines:
//
//   have_client(1);
//   have_worker(1, {.threads = 2});
//   have_plan(1, 1);
//   submit(1, 10, "x");
//   EXPECT_THAT(taken(), ElementsAre("plan w1 p1 'square'", "run w1 t0 a1 p1 'x'"));
//
// Every action must be taken before the next event, else the test fails; lines for the log are kept
// apart (`logs`) and may be left alone, as may heartbeats. The invariants are checked after every
// event.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/core.hpp"
#include "tests/support/scheduler_core_text.hpp"

namespace penstock::scheduler::testing {

using namespace std::chrono_literals;  // NOLINT: for tests only
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct WorkerSpec {
  std::uint32_t threads = 1;
  std::vector<std::string> modules = {"app"};
  bool supervised = false;
  std::string name = {};  // "w" and the id when empty
  std::uint64_t memory_limit = 0;
  Resources resources = {};
  std::string resource_group = {};
};

struct PlanSpec {
  std::string definition = "square";
  std::vector<std::string> modules = {"app"};
  std::string label = {};  // as the definition when empty
  std::string module_name = "program";
  std::int32_t priority = 0;
  Resources resources = {};
};

class SchedulerCoreTest : public ::testing::Test {
 protected:
  SchedulerCoreTest() { restart({}); }

  void TearDown() override { expect_all_taken(); }

  // Begins anew with other options.
  void restart(const CoreOptions& options) {
    options_ = options;
    core_ = std::make_unique<Core>(options, now_);
  }

  // ---- events

  void handle(Event event) {
    expect_all_taken();
    std::vector<Action> out;
    core_->handle(std::move(event), now_, out);
    for (const Action& action : out) {
      if (const auto* line = std::get_if<Log>(&action)) {
        logs_.push_back(line->text);
      } else if (!std::holds_alternative<SendHeartbeats>(action)) {
        actions_.push_back(to_text(action));
      }
    }
    core_->check_invariants();
  }

  // Lets time pass with a Tick at each deadline. Peers are heard before each, unless all_alive_ is
  // off.
  void advance(Duration duration) {
    const TimePoint end = now_ + duration;
    while (core_->next_deadline() && *core_->next_deadline() <= end) {
      now_ = std::max(now_, *core_->next_deadline());
      if (all_alive_) hear_all();
      std::vector<std::string> before = std::exchange(actions_, {});
      handle(Tick{});
      actions_.insert(actions_.begin(), before.begin(), before.end());
    }
    now_ = end;
  }

  void have_client(std::uint64_t id) {
    handle(ClientJoined{ClientId{id}, "c" + std::to_string(id)});
    clients_.push_back(id);
    drop_cluster_states();
  }

  void have_worker(std::uint64_t id, WorkerSpec spec = {}) {
    join_worker(id, std::move(spec));
    drop_cluster_states();
  }

  void join_worker(std::uint64_t id, WorkerSpec spec = {}) {
    WorkerJoined event{WorkerId{id}, spec.name.empty() ? "w" + std::to_string(id) : spec.name};
    event.threads = spec.threads;
    event.supervised = spec.supervised;
    event.memory_limit = spec.memory_limit;
    event.resources = std::move(spec.resources);
    event.resource_group = std::move(spec.resource_group);
    for (const std::string& module : spec.modules) event.modules.push_back({module, module, 3});
    handle(std::move(event));
    workers_.push_back(id);
  }

  void have_plan(std::uint64_t client, std::uint32_t plan, PlanSpec spec = {}) {
    const std::string label = spec.label.empty() ? spec.definition : spec.label;
    handle(PlanDefined{ClientId{client}, plan, spec.definition, spec.modules, label,
                       spec.module_name, spec.priority, spec.resources});
  }

  void submit(std::uint64_t client, std::uint64_t id, std::string input = "",
              std::uint32_t plan = 1) {
    handle(TaskSubmitted{ClientId{client}, id, plan, absl::Cord(std::move(input))});
  }

  void cancel(std::uint64_t client, std::uint64_t id) {
    handle(TaskCancelled{ClientId{client}, id});
  }

  void finish(std::uint64_t worker, TaskId task, std::uint32_t attempt = 1,
              Result result = absl::Cord("done"), Duration run = 1s) {
    handle(TaskFinished{WorkerId{worker}, task, attempt, std::move(result), 0, run});
  }

  void waits(std::uint64_t worker, TaskId task, bool waits, std::uint32_t attempt = 1) {
    handle(TaskWaits{WorkerId{worker}, task, attempt, waits});
  }

  void worker_left(std::uint64_t id) {
    std::erase(workers_, id);
    handle(WorkerLeft{WorkerId{id}});
  }

  void client_left(std::uint64_t id) {
    std::erase(clients_, id);
    handle(ClientLeft{ClientId{id}});
  }

  void worker_exited(std::string name, int signal, std::vector<TaskId> running,
                     std::string last_lines = {}) {
    handle(WorkerExited{std::move(name), signal == 0 ? 3 : -1, signal, std::move(running),
                        std::move(last_lines)});
  }

  // A worker with one thread, one client and its plan 1: the start of most tests.
  void have_one_of_each() {
    have_client(1);
    have_worker(1);
    have_plan(1, 1);
  }

  // Teaches the core how long plan 1 of client 1 runs, by one task (id 1, slot 0).
  void measure(std::uint64_t worker, Duration run) {
    submit(1, 1);
    taken();
    finish(worker, task_id(0), 1, absl::Cord(), run);
    taken();
  }

  // ---- what came of them

  std::vector<std::string> taken() { return std::exchange(actions_, {}); }

  Snapshot snapshot() const { return core_->snapshot(now_); }
  Counters counters() const { return snapshot().counters; }

  std::vector<std::string> logs_;
  CoreOptions options_;
  TimePoint now_{100s};
  bool all_alive_ = true;  // peers are heard at every tick
  std::unique_ptr<Core> core_;
  std::vector<std::uint64_t> clients_;
  std::vector<std::uint64_t> workers_;

 private:
  void expect_all_taken() {
    for (const std::string& action : actions_) ADD_FAILURE() << "unexpected action: " << action;
    actions_.clear();
  }

  void drop_cluster_states() {
    std::erase_if(actions_, [](const std::string& text) { return text.starts_with("cluster"); });
  }

  void hear_all() {
    std::vector<Action> out;
    for (std::uint64_t id : clients_) core_->handle(ClientHeard{ClientId{id}}, now_, out);
    for (std::uint64_t id : workers_) core_->handle(WorkerHeard{WorkerId{id}}, now_, out);
  }

  std::vector<std::string> actions_;
};

}  // namespace penstock::scheduler::testing
