// Where the core, the executor's threads, the link and the values that stay here meet: one mutex around
// the core, what the threads run next, and what waits to be sent. Knows neither gRPC nor protobuf.
//
// Sending. Outcomes collect in one outbound batch. Whoever adds to it while no write is in flight
// calls Outlet::pump(); the outlet takes what is there with take(), writes it, and takes again when
// the write is done, until take() says kNothing. So there is at most one write.
//
// While a thread has more tasks waiting than outcomes collected, outcomes of short tasks wait for each
// other, at most proto_limits::kLongestHold. Who has nothing else to run sends at once.
//
// The outbound batch is bounded by the scheduler's credits: it sends no further task for an outcome
// that it has not read.
//
// Thread-safe. Shared by the link and the threads; a thread that is stuck in a user's function may
// outlive the worker and keeps its driver alive.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"

#include "worker/core/core.hpp"
#include "worker/stop_requests.hpp"
#include "worker/plan.hpp"
#include "worker/value_store.hpp"

namespace penstock::worker {

// What a thread is to run. Valid until the thread asks for the next one.
struct Job {
  TaskId task{};
  std::uint32_t attempt = 0;
  absl::Cord input;
  absl::Cord kept;  // values that belong into the input
  ClientId client{};
  std::shared_ptr<const RunnablePlan> plan;
  std::stop_source stop;  // of the task; shared with the driver, which may ask at any time
};

// One message from the scheduler.
struct Inbound {
  struct Plan {
    PlanId plan{};
    std::shared_ptr<const RunnablePlan> runnable;
  };
  std::vector<Plan> plans;
  std::vector<TaskArrived> tasks;
  std::vector<TaskId> cancels;
  std::vector<PlanId> forgotten;
  std::vector<ValueName> freed;         // values that nobody needs any more
  std::vector<ClientId> gone_clients;  // nobody needs any value of theirs
  std::vector<std::string> unshared;   // names of values that were given to all workers, and are not needed any more

  void clear();
};

struct Usage {
  std::uint64_t memory = 0;  // resident bytes
  double cpu = 0;            // cores in use
};

struct Status {
  Usage usage;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
};

// One message to the scheduler.
struct Outbound {
  std::vector<SendDone> done;
  std::vector<SendWaits> waits;
  std::vector<TaskId> returned;
  std::optional<Status> status;
  bool leaving = false;

  bool empty() const { return done.empty() && waits.empty() && returned.empty() && !status && !leaving; }
  void clear();
};

// The link's end of a session. pump() is called by any thread, without locks held, and at most once
// until take() has said kNothing.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void pump() = 0;
  // Calls Driver::check_time() soon: something is due before it said. Called with the driver's lock held.
  virtual void look_at_the_time() = 0;
  // Outcomes wait for more of them: calls Driver::flush() after proto_limits::kLongestHold. Called with the driver's
  // lock held.
  virtual void remind() = 0;
};

enum class Take {
  kBatch,     // write it, then take again
  kNothing,   // pump() will be called when there is more
  kFinished,  // the worker has left: all is sent, end the session
};

class Driver {
 public:
  // Outcomes bring values into the store, and the ends of sessions empty it.
  explicit Driver(const CoreOptions& options,
                  std::shared_ptr<ValueStore> values = std::make_shared<ValueStore>(ValueStoreLimits{}));

  const std::shared_ptr<ValueStore>& values() const { return values_; }

  // ---- for the link ----

  // A session begins. The link calls pump() first, when it is able to write.
  void connected(std::shared_ptr<Outlet> outlet);
  // It ends, and with it the need for what runs: that is asked to stop.
  void disconnected();
  // Payloads are moved out; `inbound` is left for reuse.
  void arrived(Inbound& inbound);
  // Fills `out`, which must be empty, with at most about `max_bytes`.
  Take take(Outbound& out, std::size_t max_bytes);
  // Sends what waits. False: nothing has waited since the last flush.
  bool flush();
  // Sends a status; the heartbeat.
  void report(const Usage& usage);

  // Asks tasks to stop that have run for as long as they may, and gives those up that go on kGrace after that.
  // Returns when it is to be called again, or TimePoint::max().
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kGrace{2};
  TimePoint check_time(TimePoint now);
  // Threads that still run tasks which were given up: some, all.
  bool has_lost_a_thread() const;
  bool has_lost_all_threads() const;

  // ---- for the threads ----

  // The thread has all of the input of its job, and begins: from now on the time counts. Of jobs with kept inputs;
  // for others it counts from the beginning.
  void begins(std::uint32_t thread);
  // Blocks until the thread has its first job. Null: it is to end, as there are more than enough, or all are stopped.
  const Job* first(std::uint32_t thread);
  // Hands in the outcome of the thread's job, in the same lock round takes the next, and blocks
  // when there is none. Null: it is to end.
  const Job* next(std::uint32_t thread, Result&& result, Duration run);
  // The thread's task waits for other tasks, and gives its place to one more. When there is no thread for that,
  // calls start(N) first, which is to make one that begins with first(N), perhaps the number of one that has ended.
  // Throws Error when too many wait, and what start() throws: then nothing has changed.
  void waits(std::uint32_t thread, absl::FunctionRef<void(std::uint32_t)> start);
  // It waits no more: blocks until there is a place for it. One that is asked to stop goes on without, to its end.
  void wants_on(std::uint32_t thread);

  // ---- for the owner ----

  // Hands back what waits, finishes what runs. Returns at once.
  void leave();
  // All threads' first() and next() return null as soon as they are called; what runs is asked to stop.
  void stop();
  Snapshot snapshot() const;
  // What stays here will soon be lost.
  bool leaving() const { return leaving_; }

 private:
  // A cache line of its own for each thread.
  struct alignas(64) Slot {
    Job job;
    bool assigned = false;  // job is to be run
    bool asleep = false;    // in the condition variable
    bool unwanted = false;  // nobody will ask for the job's value
    bool timed_out = false;  // it was asked to stop because of the time
    bool stopping = false;   // its stop source is asked, or will be
    bool lost = false;       // its task was given up
    bool waits = false;      // its task has no place
    TimePoint due = TimePoint::max();  // for check_time()
    std::condition_variable wake;
  };

  // One critical section: events in, then, after the mutex is free, wake-ups and the pump.
  class Round;

  void apply(Round& round, Execute& action);
  void apply(Round& round, GoOn& action);
  void apply(Round& round, DropPlan& action);
  void apply(Round& round, SendDone& action);
  void apply(Round& round, SendWaits& action);
  void apply(Round& round, SendReturned& action);
  void apply(Round& round, SendLeaving& action);
  void apply(Round& round, SendStatus& action);
  void apply(Round& round, Left& action);
  void disown(const Inbound& inbound, std::vector<std::stop_source>& to_stop);
  static void disown(Slot& slot, std::vector<std::stop_source>& to_stop);
  void watch_time(Slot& slot);
  bool may_hold(Duration run) const;
  const Job* await(std::uint32_t thread, std::unique_lock<std::mutex>& lock);

  const std::shared_ptr<ValueStore> values_;
  mutable std::mutex mutex_;
  Core core_;
  std::vector<Action> actions_;  // empty between rounds
  const std::size_t places_;    // tasks that run at a time
  std::deque<Slot> slots_;      // by thread; they stay where they are
  std::unordered_map<PlanId, std::shared_ptr<const RunnablePlan>> plans_;
  Outbound outbound_;
  std::size_t outbound_bytes_ = 0;
  Usage usage_;
  std::shared_ptr<Outlet> outlet_;  // of the present session
  bool writing_ = false;            // a write is in flight, or the session cannot write yet
  bool held_ = false;               // since the last flush
  bool left_ = false;
  bool stopped_ = false;
  TimePoint next_check_ = TimePoint::max();
  std::size_t lost_threads_ = 0;
  StopRequests stop_requests_;
  std::atomic<bool> leaving_{false};
};

}  // namespace penstock::worker
