// A worker's shell around the production core: plans, threads, the outbound batch, the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/support/simulation/client_process.hpp"
#include "tests/support/simulation/dialler.hpp"
#include "tests/support/simulation/function.hpp"
#include "worker/core/core.hpp"
#include "worker/value_store.hpp"

namespace penstock::simulation {

struct WorkerSpec {
  std::string name;
  std::uint32_t threads = 1;
  std::vector<std::string> modules;
  bool supervised = false;
  unsigned slowness = 1;  // times the run time of every task
};

class WorkerProcess final : public Dialler<FromWorker, ToWorker> {
 public:
  enum class End : std::uint8_t {
    kLeft,     // it was asked to leave, and has
    kRefused,  // the scheduler does not want it
    kKilled,   // by a task
  };

  // `on_end` is called once, when the process ends by itself; it may not destroy it in the call.
  WorkerProcess(Environment& environment, Network& network, WorkerSpec spec, std::uint64_t number,
                std::function<void(WorkerProcess&, End)> on_end);

  const WorkerSpec& spec() const { return spec_; }
  const worker::Core& core() const { return core_; }
  std::uint64_t number() const { return number_; }
  std::optional<std::string> value(const ValuePlace& place) const;  // that stays here
  std::size_t values() const { return store_.count(); }
  const ClientProcess* client() const { return client_.get(); }  // of its tasks; null before the first asks

  void freeze(Duration time);

  // Hands back what waits, finishes what runs.
  void leave();
  // By a signal from outside. What ran is counted in the environment's deaths.
  void kill(bool tell_scheduler);
  // Says that it has done these, as attempts that nobody made.
  void send_stale(const std::vector<scheduler::TaskId>& tasks);
  // As a supervisor finds them after the end.
  std::vector<scheduler::TaskId> running() const;

 private:
  struct Job {
    worker::TaskId task{};
    std::string input;
    Function function;
    TimePoint begin;
    PlacedValues missing = {};  // in the input
    worker::ClientId client{};
    bool unwanted = false;
    // What it asks for, when it does.
    ClientProcess::PlanPtr asked_plan = nullptr;
    detail::CellPtr asked = nullptr;
    std::string answer = {};
    bool answer_lost = false;
    bool wants_on = false;  // has its answer, and no place
  };

  FromWorker hello() override;
  void welcomed() override;
  void received(ToWorker&& batch) override;
  bool fill(FromWorker& batch) override;
  void heartbeat() override { handle(worker::StatusDue{}); }
  void ended() override;
  bool tries_again(Ending ending) override;

  void handle(worker::Event&& event);
  void apply(worker::Execute& action);
  void apply(worker::DropPlan& action) { plans_.erase(action.plan); }
  void apply(worker::SendDone& action);
  void apply(worker::GoOn& action);
  void apply(worker::SendWaits& action) { outbound_.waits.push_back(action); }
  void apply(worker::SendReturned& action) { outbound_.returned.push_back(action.task); }
  void apply(worker::SendLeaving&) { outbound_.leaving = true; }
  void apply(worker::SendStatus& action) { outbound_.status = action; }
  void apply(worker::Left&) { left_ = true; }
  void read_input(std::uint32_t thread);
  void begin(std::uint32_t thread);
  void ask(std::uint32_t thread);
  void answered(std::uint32_t thread);
  void go_on_without_a_place(std::uint32_t thread);
  Duration run_time(const Job& job) const;
  void end_after(std::uint32_t thread, Duration run);
  void finish(std::uint32_t thread);
  worker::Result result_of(const Job& job) const;
  void free(const std::vector<worker::ValueName>& names);
  void end(End how);
  void end_client(bool tell_scheduler);

  const WorkerSpec spec_;
  const std::uint64_t number_;
  const std::function<void(WorkerProcess&, End)> on_end_;
  worker::Core core_;
  worker::ValueStore store_{{}};
  std::vector<worker::Action> actions_;
  std::unordered_map<worker::PlanId, Function> plans_;
  std::vector<std::optional<Job>> jobs_;  // by thread
  std::unique_ptr<ClientProcess> client_;
  std::optional<Job> finished_;           // the last
  FromWorker outbound_;
  bool open_ = false;  // a session is there to send in
  bool leaving_ = false;
  bool left_ = false;
  bool farewell_ = false;
  std::optional<TimePoint> name_taken_since_;
};

}  // namespace penstock::simulation
