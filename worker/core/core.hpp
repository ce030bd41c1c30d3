// The worker's logic as a pure state machine: events in, actions out. Same events, same actions. It
// has no clock, because nothing in it depends on time. Remote input never aborts it: tasks of
// unknown plans fail, unknown ids and outcomes of an older connection are counted and dropped.
//
//   Core core({.threads = 2});
//   std::vector<Action> out;
//   core.handle(TaskArrived{...}, out);   // appends to `out`
//
// Waiting tasks run first come, first served, on any idle thread. A task that waits for other tasks gives its place
// to one more, which needs one more thread: there are as many threads as places and waiting tasks, and a few for the
// next. Who waits no more comes before tasks that have not begun. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/core/action.hpp"
#include "worker/core/event.hpp"
#include "worker/core/types.hpp"

namespace penstock::worker {

struct Counters {
  std::uint64_t done = 0;              // outcomes handed to the driver
  std::uint64_t returned = 0;          // tasks given back unrun
  std::uint64_t cancelled = 0;         // before they started
  std::uint64_t dropped_tasks = 0;     // waiting when the connection ended
  std::uint64_t dropped_outcomes = 0;  // of a connection that has ended
  std::uint64_t dropped_other = 0;     // unknown or out of place
};

struct Snapshot {
  bool connected = false;
  bool leaving = false;
  bool left = false;
  std::uint32_t running = 0;  // places that are taken, also for an older connection
  std::uint32_t waiting = 0;  // tasks that wait for others, or for a place
  std::size_t queued = 0;
  std::size_t plans = 0;
  Counters counters;
};

class Core {
 public:
  explicit Core(const CoreOptions& options);

  // Takes the event (payloads are moved out of it).
  void handle(Event&& event, std::vector<Action>& out);

  std::size_t queued() const { return queue_.size(); }
  // One more task can wait only with one more thread: add_thread(), before its ThreadWaits.
  bool needs_thread_to_wait() const { return alive() <= options_.threads + waiting_; }
  bool may_wait() const { return waiting_ < kMaxWaitingTasks; }
  std::uint32_t next_thread() const;  // what add_thread() will return: a new number, or one of a thread that has ended
  std::uint32_t add_thread();
  // A thread that has nothing to do may end: remove_thread().
  bool has_spare_thread() const { return alive() > options_.threads + waiting_ + kMaxSpareThreads; }
  void remove_thread(std::uint32_t thread);
  Snapshot snapshot() const;

  // Aborts with a message when the state contradicts itself. O(everything): for tests.
  void check_invariants() const;

 private:
  struct Queued {
    TaskId task;
    std::uint32_t attempt;
    PlanId plan;
    absl::Cord input;
    absl::Cord kept;
    ClientId client;
  };
  struct Running {
    TaskId task;
    std::uint32_t attempt;
    std::uint64_t epoch;  // of the connection that brought it
    bool overdue = false;  // its outcome is sent
    bool waits = false;    // it has no place
    std::uint32_t place = 0;
  };
  struct Plan {
    std::size_t queued = 0;  // waiting tasks that name it
    bool forgotten = false;  // dropped when the last of them has started
  };
  using Actions = std::vector<Action>;

  void on(Connected&&, Actions& out);
  void on(Disconnected&&, Actions& out);
  void on(PlanArrived&& event, Actions& out);
  void on(PlanForgotten&& event, Actions& out);
  void on(TaskArrived&& event, Actions& out);
  void on(TasksCancelled&& event, Actions& out);
  void on(ThreadFinished&& event, Actions& out);
  void on(ThreadWaits&& event, Actions& out);
  void on(ThreadWantsOn&& event, Actions& out);
  void on(ThreadGoesOn&& event, Actions& out);
  void on(TaskOverdue&& event, Actions& out);
  void on(LeaveRequested&&, Actions& out);
  void on(StatusDue&&, Actions& out);

  std::size_t alive() const { return threads_.size() - ended_.size(); }
  bool is_awaited(const Running& running) const;
  void give_back(TaskId task, Actions& out);
  void execute(std::uint32_t thread, Queued&& task, Actions& out);
  std::uint32_t running() const { return options_.threads - static_cast<std::uint32_t>(places_.size()); }
  void take_place(Running& running);
  void use_place(Actions& out);
  void go_on(std::uint32_t thread, Actions& out);
  void start_next(std::uint32_t thread, Actions& out);
  void unqueue(PlanId plan, Actions& out);
  void leave_if_done(Actions& out);

  CoreOptions options_;
  bool connected_ = false;
  bool leaving_ = false;
  bool left_ = false;
  std::uint64_t epoch_ = 0;
  std::uint32_t awaited_ = 0;  // running tasks of the present connection
  std::deque<Queued> queue_;
  std::vector<std::optional<Running>> threads_;
  std::vector<std::uint32_t> places_;   // that are free
  std::uint32_t waiting_ = 0;           // threads whose task has no place
  std::deque<std::uint32_t> want_on_;   // those of them that want one
  std::vector<std::uint32_t> ended_;  // numbers of threads that are no more
  std::vector<std::uint32_t> idle_;   // the last one to fall idle runs first: its caches are warm
  std::unordered_map<PlanId, Plan> plans_;
  Counters counters_;
};

}  // namespace penstock::worker
