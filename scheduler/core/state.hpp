// The core's state and its transitions: one function per event, split over files by noun. Private
// to the core's own .cpp files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/core/client.hpp"
#include "scheduler/core/core.hpp"
#include "scheduler/core/credit.hpp"
#include "scheduler/core/deadlines.hpp"
#include "scheduler/core/peer_table.hpp"
#include "scheduler/core/plan_table.hpp"
#include "scheduler/core/pools.hpp"
#include "scheduler/core/program.hpp"
#include "scheduler/core/published.hpp"
#include "scheduler/core/statistics.hpp"
#include "scheduler/core/task_table.hpp"
#include "scheduler/core/worker.hpp"

namespace penstock::scheduler {

struct Core::State {
  State(const CoreOptions& core_options, TimePoint at);

  // ---- clients.cpp
  void on(ClientJoined& event);
  void on(ClientLeft& event);
  void on(ClientHeard& event);
  Client* hear(ClientId id);  // restarts its silence clock; null and counted when unknown
  void lose_client(Client& client, std::string_view why);
  void tell_cluster_state(const Client& client);
  void tell_cluster_state();

  // ---- plans.cpp
  void on(PlanDefined& event);
  void on(PlanForgotten& event);
  std::string refusal_for(const PlanDefined& event) const;
  // With one reference more.
  Lane& lane_for(Client& client, Requirement& requirement, std::int32_t priority);
  void release(Lane& lane);
  void release(Plan& plan);

  // ---- tasks.cpp
  void on(TaskSubmitted& event);
  void on(TaskCancelled& event);
  void on(ValuesFreed& event);
  void on(ValuesUnshared& event);
  void on(TaskWaits& event);
  void on(TaskReturned& event);
  void on(TaskFinished& event);
  void refuse(Client& client, const TaskSubmitted& event, std::string label, std::string text);
  // Waits of new tasks begin here, of ones that came back as well. Dispatches nothing.
  void enqueue(Task& task, bool is_new);
  void requeue(Task& task);  // from wherever it is, to its place in the lane
  // Takes the task out of the list its state names; it is in none then.
  void detach(Task& task);
  void forget(Task& task);     // detach() and the end of its life, without an outcome
  void call_back(Task& task);  // forget(), and its worker need not start it
  void fail(Task& task, FailureKind kind, std::string text, std::string worker = {});
  void send_outcome(Task& task, Result&& result, Duration run, bool kept = false);

  // ---- names.cpp
  void on(NamePublished& event);
  void on(NameWithdrawn& event);
  void on(NamesAsked& event);
  void on(NameAsked& event);
  void on(QuestionForgotten& event);
  void on(ValueGiven& event);
  void ask_owner(Asked& question);
  void forget_names(const Client& client);
  template <typename Unwanted>
  std::vector<Asked> take_asked(Unwanted unwanted);

  // ---- workers.cpp
  void on(WorkerJoined& event);
  void on(WorkerLeft& event);
  void on(WorkerLeaving& event);
  void on(WorkerHeard& event);
  void on(WorkerReported& event);
  void on(WorkersAsked& event);
  void on(WorkersRetired& event);
  void leave(Worker& worker);  // it takes no more tasks, and finishes what runs
  void retire(Worker& worker);  // leave(), and it is told so
  void remember_retired(const std::string& name);
  void forget_retired();  // those that did not come back
  Worker* hear(WorkerId id);
  std::string refusal_for(const WorkerJoined& event) const;
  void replace_if_silent(const std::string& name);
  std::shared_ptr<Stock> stock_of(const Worker& worker);
  void admit(Worker& worker, const std::vector<ModuleInfo>& modules);
  void withdraw(Worker& worker);  // it takes no more tasks
  void refresh_credit(Worker& worker);

  // ---- loss.cpp
  void on(WorkerExited& event);
  // The connection has ended, or is to be closed by the caller.
  void lose_worker(Worker& worker, std::string_view why);
  void forget_worker(Worker& worker);
  void settle_with_report(Worker& worker, const WorkerExited& report);
  void settle_without_report(Worker& worker);
  void suspect(Worker& worker);
  void settle(LostWorker& lost, const WorkerExited* report);
  // Back to the queue, or the end of a task that was running on too many lost workers.
  void settle(Task& task, bool was_running, std::string_view worker, const WorkerExited* report);
  void fail_lost(Task& task, bool was_running, std::string_view worker, const WorkerExited* report);
  LostWorker* find_lost(const std::string& name);

  // ---- dispatch.cpp
  void dispatch_to(Pool& pool);
  void dispatch_from(Requirement& requirement);
  void dispatch_all();
  void dispatch_after(const Worker& worker, bool took_resources);  // a task of it ended
  void dispatch_among(const Stock& stock);    // to the workers that have it together
  // Of the lanes whose tasks this worker may run now.
  Lane* next_lane(Requirement& requirement, const Worker& worker);
  Lane* next_lane(const Worker& worker);
  void assign(Task& task, Worker& worker);
  void assign_pinned(Task& task);  // or fails it
  // The worker that has most of the task's input, if it has room as well; or `other`.
  Worker& nearest(const Task& task, Worker& other) const;
  void send_plan_once(Worker& worker, Plan& plan);
  void place_at_end(Lane& lane);  // of its ring
  void join_ring(Lane& lane);
  void leave_ring(Lane& lane);

  // ---- waits.cpp
  void consider_wait(Lane& lane);
  void consider_all_waits();
  void stop_wait(Lane& lane);
  void end_wait(Lane& lane);  // the time is over

  // ---- programs.cpp
  void on(ProgramArrived& event);
  void on(ProgramFailed& event);
  void on(HostReported& event);
  void take_offer(Client& client, ProgramOffer&& offer);
  void withdraw_offer(Client& client);
  void want_program(const Lane& lane);  // its tasks wait for code
  bool is_uploading(const Lane& lane) const;
  bool has_hosts(const Lane& lane) const;  // that may run its client's program
  std::string upload_text(const Lane& lane) const;  // " The upload failed: ...", or nothing
  Program& program_of(const ProgramOffer& offer);
  void bring(Program& program);
  bool place(Program& program, Host& host);
  bool make_room(Host& host);
  void ask_for(Program& program);
  bool make_room_here();
  bool is_read(const Program& program) const;
  Program* coming_from(ClientId client, const std::string& sha256);
  void stop_coming(Program& program);
  void does_not_come(Program& program, std::string why);
  void consider_idle(Program& program);
  void forget(Program& program);
  bool take_report(Host& host, std::vector<HostedProgram>&& reported, bool is_new);
  void answer(Host& host);
  void answer_hosts();
  void lose_host(Host& host, std::string_view why);
  void lose_silent_hosts();

  // ---- ticks.cpp
  void on(Tick& event);
  void on_due(HeartbeatDue);
  void on_due(LaneWaitOver due);
  void on_due(ExitReportOverdue due);
  void on_due(ProgramOverdue due);
  void on_due(ProgramIdle due);
  void close_silent_peers();

  template <typename SomeAction>
  void emit(SomeAction&& action) {
    out->emplace_back(std::forward<SomeAction>(action));
  }
  void log(Log::Level level, std::string text) { emit(Log{level, std::move(text)}); }

  const CoreOptions options;
  const TimePoint started;
  TimePoint now;
  std::vector<Action>* out = nullptr;  // during handle()

  TaskTable tasks;
  PlanTable plans;
  Pools pools;
  PeerTable<ClientId, Client> clients;
  PeerTable<WorkerId, Worker> workers;
  std::unordered_map<std::string, Worker*> workers_by_name;
  std::map<std::string, std::weak_ptr<Stock>> stocks;  // by resource group
  std::map<std::pair<std::string, std::uint64_t>, LostWorker> lost_workers;  // name, number
  std::map<std::string, TimePoint> retired;  // workers that may come back, by name: when they were lost
  std::uint64_t losses = 0;
  std::map<std::string, Published> published;  // by name
  std::vector<Asked> asked;                    // in the order in which they came
  std::map<std::string, std::unique_ptr<Program>> programs;  // by SHA-256
  std::map<std::string, Host> hosts;                         // by name
  Deadlines deadlines;
  Statistics statistics;
  std::uint64_t moment = 0;         // ascends with every dispatch and every placing in a ring
  std::uint64_t threads = 0;        // of the workers in pools
  bool dispatch_postponed = false;  // to the end of the tick
  bool no_worker_logged = false;    // since the last worker left
  std::string last_end;             // of a worker: "'w' died: exit code 1"
};

}  // namespace penstock::scheduler
