// The client's side of the principle that the client owns the work: keeps every task until its outcome
// is here, keeps a connection to the scheduler, and sends everything again on a new one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "client/connection.hpp"
#include "client/core/ledger.hpp"
#include "client/fetcher.hpp"
#include "client/own_program.hpp"
#include "penstock/detail/task_port.hpp"

namespace penstock::client {

struct SessionOptions {
  std::string address;                     // host:port
  std::shared_ptr<grpc::Channel> channel;  // instead of the address: inside one process
  std::string name;                        // shown in the dashboard
  unsigned weight = 1;
  std::string token;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds first_pause{50};  // between tries; doubles, with jitter
  std::chrono::milliseconds longest_pause{1000};
  std::size_t max_tasks = 1'000'000;               // submit() of futures waits beyond
  std::size_t max_bytes = std::size_t{2} << 30;
  bool shared_memory = true;  // for large arguments, with a scheduler on this machine
  bool upload = false;        // offers this program to workers that do not have it
  std::shared_ptr<Loop> loop;
};

class Session final : public detail::TaskPort,
                      public ConnectionOwner,
                      public std::enable_shared_from_this<Session> {
 public:
  // Called once: OK when the scheduler has answered, or why it will not.
  using Ready = std::function<void(absl::Status)>;

  static std::shared_ptr<Session> start(SessionOptions options, Ready ready);
  ~Session() override;

  // Ends the connection; every unsettled cell fails with TaskCancelled. Harmless when repeated.
  void close();

  detail::PlanPtr make_plan(std::vector<detail::Stage> stages, TaskOptions options) override;
  detail::PlanPtr call_plan(const detail::TaskEntry& entry, const std::string& constants,
                            const TaskOptions& options) override;
  detail::PlanPtr call_plan(const detail::Stage& named, const TaskOptions& options) override;
  detail::CellPtr submit(const detail::PlanPtr& plan, detail::Encoded input, detail::Want want,
                         detail::WorkerNamePtr near = nullptr) override;
  detail::CellPtr bring(detail::Encoded value) override;
  std::shared_ptr<void> expect_task(std::size_t bytes) override;
  detail::CellPtr submit_again(const detail::FailedTask& task) override;
  void cancel(const detail::CellPtr& cell) override;
  unsigned threads() const override;
  const std::shared_ptr<Loop>& loop() const override { return options_.loop; }

  // As a task's result: a large value stays on a worker.
  detail::CellPtr store(std::string bytes);
  // For all workers, under this name until the handle goes.
  std::shared_ptr<const void> share(const std::string& name, std::string bytes);

  // Blocks while max_tasks or max_bytes are on their way, or tasks of kMaxPlans plans.
  void wait_for_room();

  // Asks the scheduler, again after a reconnect. `answer` comes once, on any thread.
  using Answer = std::function<void(absl::StatusOr<v1::ClusterAnswer>)>;
  void ask(v1::ClusterRequest request, Answer answer) { ask(std::move(request), std::move(answer), nullptr); }

  // The value of the cell, for others under this name until withdraw(), also after a reconnect. `done` as an Answer.
  void publish(std::string name, std::string signature, detail::CellPtr value, std::function<void(absl::Status)> done);
  void withdraw(const std::string& name);
  // What another has published: the encoded value. As ask().
  using Got = std::function<void(absl::StatusOr<proto_values::Bytes>)>;
  struct Query {
    std::uint64_t question = 0;  // that has no answer yet
    bool forgotten = false;
  };
  void get_published(const std::string& name, const std::string& signature, std::shared_ptr<Query> query, Got got);
  // The answer is not waited for any more; it may come or not.
  void forget(Query& query);

  bool has_ended() const;

  unsigned workers() const;
  // False when the time is over first.
  bool wait_for_workers(unsigned count, Duration timeout);
  const std::string& address() const { return options_.address; }
  std::string dashboard() const;
  std::size_t unsettled() const;
  void wait_until_settled();

 private:
  using Clock = Connection::Clock;
  class RegisteredPlan;
  class Kept;
  class Hold;
  class FreedValues;
  class SharedValue;
  using PlanPtr = std::shared_ptr<const RegisteredPlan>;
  using KeptPtr = std::shared_ptr<Kept>;
  struct TaskInput {
    struct Part {
      std::size_t at = 0;  // in front of this byte of the others
      KeptPtr value;
      std::shared_ptr<Hold> hold;  // of a task that is to run
      unsigned version = 0;        // of the value, when the task was sent
      std::optional<std::uint32_t> place = {};  // among those that were not here then
    };
    absl::Cord bytes;
    detail::Few<Part> kept;  // values on workers
    std::shared_ptr<const proto_values::SharedBytes> shared;  // `bytes`, for workers of this machine
    detail::Few<std::shared_ptr<const void>> uses;            // what the bytes refer to
  };
  struct CallKey {
    const detail::TaskEntry* entry;
    std::string constants;
    TaskOptions options;
  };
  struct CallView {
    CallView(const detail::TaskEntry* of, std::string_view with, const TaskOptions& run)
        : entry(of), constants(with), options(run) {}
    CallView(const CallKey& key) : CallView(key.entry, key.constants, key.options) {}  // NOLINT: implicit by design
    const detail::TaskEntry* entry;
    std::string_view constants;
    const TaskOptions& options;
  };
  struct CallOrder {
    using is_transparent = void;
    bool operator()(const CallView& a, const CallView& b) const {
      return std::tie(a.entry, a.constants, a.options) < std::tie(b.entry, b.constants, b.options);
    }
  };
  struct Entry {
    PlanPtr plan;
    TaskInput input;
    detail::CellPtr cell;
    detail::Want want = detail::Want::kHere;
    bool alone = false;             // not in a batch again: one that it was in was lost
    std::uint8_t lost_inputs = 0;   // times
    std::uint8_t missed = 0;        // times that its worker had not a value that is shared by all
    std::uint8_t unread = 0;        // times that its value could not be read where it was
    unsigned failed = 0;            // times
    std::uint32_t lost_workers = 0; // that it was running on, as the scheduler said when inputs were lost
    KeptPtr makes = nullptr;        // a value that was lost
    detail::WorkerNamePtr near = nullptr;  // the worker where it should run; null: any
    std::uint64_t batch = 0;        // it was sent in, by the first id there; 0: alone, or not on this connection
  };
  struct Published {
    std::string signature;
    detail::CellPtr value;
  };
  struct Question {
    v1::ClusterRequest request;
    Answer answer;
  };
  struct Failed;
  struct Settled;
  struct Unread;
  struct Arrived;
  class Bringing;

  explicit Session(SessionOptions options, Ready ready);

  void welcomed(const v1::Welcome& welcome) override;
  void received(Inbox& inbox) override;
  bool fill(Batch& batch) override;
  void ended(const grpc::Status& status) override;

  void run();
  void converse(std::unique_lock<std::mutex>& lock);
  void attend(std::unique_lock<std::mutex>& lock, Connection& connection);
  void complain(const grpc::Status& status);
  std::string in_words(const grpc::Status& status) const;
  void report_ready(std::unique_lock<std::mutex>& lock, absl::Status status);
  void pause(std::unique_lock<std::mutex>& lock);
  void wait_for_ledger(absl::FunctionRef<bool()> satisfied);
  void fail_all(std::unique_lock<std::mutex>& lock, const std::string& why);
  std::string why_ended() const;
  void forget(const RegisteredPlan& plan);
  detail::PlanPtr call_plan(const CallView& call, absl::FunctionRef<detail::Stage()> stage);
  detail::PlanPtr known_call_plan(const CallView& call, absl::FunctionRef<detail::Stage()> stage);
  detail::CellPtr submit(Entry entry);
  void try_again_later(std::uint64_t id);
  void try_again_what_is_due();
  void send_anew(std::uint64_t id);
  std::size_t add_next(Batch& batch);
  void add_submit(Batch& batch, std::uint64_t id, const Entry& entry, const v1::PlanDefinition& plan,
                  absl::Cord input);
  void received(v1::Outcome& outcome, absl::Cord payload, Arrived& arrived);
  void received_batch(const std::vector<std::uint64_t>& ids, v1::Outcome& outcome, const absl::Cord& payload,
                      Arrived& arrived);
  static void settle(std::vector<Settled> settled);

  // ---- session_values.cpp: values that stay on workers
  TaskInput input_of(detail::Encoded&& input) const;
  static TaskInput recipe_of(const TaskInput& input);
  TaskInput again(const TaskInput& recipe) const;
  void share(TaskInput& input, std::string_view bytes) const;
  bool is_foreign(const detail::Encoded& input) const;
  detail::CellPtr submit_when_here(const detail::PlanPtr& plan, detail::Encoded input, detail::Want want);
  static std::shared_ptr<Hold> hold(const KeptPtr& value);
  static bool cuts_chain(const TaskInput& input);
  std::string refusal_of(const TaskInput& input) const;
  void received_kept(std::uint64_t id, const absl::Cord& payload, Duration run, Arrived& arrived);
  void read(Unread unread);
  void has_read(const Unread& unread, absl::StatusOr<proto_values::Bytes> bytes);
  void note_read(const absl::Status& status);
  bool inputs_are_there(std::uint64_t id, Entry& entry);
  void make_again(const KeptPtr& value);
  void made_again(KeptPtr value, const detail::Outcome& outcome, Arrived& arrived);
  bool input_was_lost(std::uint64_t id, const v1::Failure& failure);
  absl::Cord add_inputs(v1::Submit& submit, TaskInput& input) const;
  void add_freed(v1::ClientBatch& batch, const std::vector<KeptPtr>& let_go);
  void lose(Kept& value, unsigned version);
  void bring(const KeptPtr& value, std::function<void(detail::Outcome)> then);
  void received(v1::ClusterAnswer&& answer);
  bool may_come_back(const Entry& entry) const;
  bool try_again(std::uint64_t id, v1::Failure& failure, Arrived& arrived);

  // ---- session_published.cpp: values that other clients may get
  void publish_all_again();
  void publish_again(const std::string& name);
  void publish_what_was_refused();
  void ask(v1::ClusterRequest request, Answer answer, Query* query);
  void received(v1::AskedValue&& asked);
  void give_published(v1::GivenValue given, const detail::CellPtr& value, bool lost);
  void give(v1::GivenValue given);
  bool says_where(const detail::Outcome& outcome, bool lost, v1::GivenValue& given);
  bool add_published(v1::ClientBatch& batch);

  // ---- session_shared.cpp: values that all workers are given
  bool shared_value_was_missing(std::uint64_t id, v1::Failure& failure, Arrived& arrived);
  void give_to_all(const std::shared_ptr<SharedValue>& value);
  void give(const std::shared_ptr<SharedValue>& value, const std::string& worker);
  void store_again(SharedValue& value, const detail::CellPtr& failed);
  void was_given(SharedValue& value, const std::string& worker, const detail::Outcome& outcome);

  std::uint64_t add(Entry entry);
  std::optional<Entry> take(std::uint64_t id);
  // ---- session_local.cpp: tasks that this process runs itself
  void consider_local_run(const RegisteredPlan& plan, Duration mean_run);
  detail::CellPtr run_here(const RegisteredPlan& plan, const detail::Encoded& input);

  void call_back(std::uint64_t id, std::uint64_t batch);
  std::shared_ptr<grpc::Channel> channel() const;

  const SessionOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the keeper, and for who waits for workers
  std::condition_variable room_;     // something was settled; notified only when somebody waits
  int room_waiters_ = 0;
  Ready ready_;
  bool closing_ = false;
  std::string broken_;  // why the scheduler refused us for good

  std::mutex call_plans_mutex_;
  // Those of named tasks have no entry. A function whose captures or options differ from call to call has many plans:
  // they live as long as their tasks, or among those used last.
  struct CallPlan;
  using CallPlans = std::map<CallKey, CallPlan, CallOrder>;
  struct CallPlan {
    std::weak_ptr<const detail::Plan> plan;
    detail::PlanPtr kept = nullptr;  // of those used last
    std::list<CallPlans::iterator>::iterator place = {};
  };
  CallPlans call_plans_;
  std::size_t sweep_call_plans_at_ = 1024;
  std::list<CallPlans::iterator> last_call_plans_;  // the last one used is the last

  Ledger<Entry> ledger_;
  std::size_t bytes_ = 0;           // of inputs in the ledger, and of arguments of expected ones
  std::size_t expected_ = 0;        // tasks that wait for their arguments
  std::deque<std::uint64_t> to_send_;  // ids not yet sent on this connection, in order
  struct SentBatch {
    std::vector<std::uint64_t> ids;
    std::size_t wanted = 0;  // of them; those that were not cancelled
  };
  std::unordered_map<std::uint64_t, SentBatch> batches_;  // by their first id
  bool held_ = false;                  // some of them wait for more, see core/hold.hpp
  bool keeper_flushes_ = false;        // the keeper looks after kLongestHold
  std::multimap<Clock::time_point, std::uint64_t> to_try_again_;  // still in the ledger
  std::vector<std::uint64_t> to_cancel_;
  std::map<std::uint64_t, Question> questions_;  // without an answer, by id
  std::vector<std::uint64_t> to_ask_;
  std::uint64_t last_question_ = 0;
  std::vector<std::uint32_t> to_forget_;
  std::unordered_set<std::uint32_t> plans_sent_;  // on this connection
  std::uint32_t last_plan_ = 0;
  std::size_t busy_plans_ = 0;  // that have tasks in the ledger
  std::uint64_t epoch_ = 0;  // counts connections: values on workers belong to one
  const std::shared_ptr<FreedValues> freed_values_;
  std::unordered_map<std::string, std::weak_ptr<SharedValue>> shared_values_;  // by name
  std::map<std::string, Published> published_;  // by name
  std::vector<v1::GivenValue> to_give_;         // on this connection
  std::vector<std::string> to_withdraw_;
  std::vector<std::string> to_publish_again_;  // names
  std::vector<std::uint64_t> to_forget_questions_;
  detail::PlanPtr store_plan_;                                                  // once it is needed
  std::atomic<bool> shares_inputs_;  // workers are on this machine, as far as is known
  bool has_read_ = false;            // a value, from a worker
  unsigned failed_reads_ = 0;        // before
  bool keeps_nothing_ = false;       // values come with their outcomes: workers cannot be reached
  Fetcher fetcher_;

  std::unique_ptr<OwnProgram> program_;  // when it is offered

  std::shared_ptr<Connection> connection_;
  std::optional<grpc::Status> ended_;  // of the connection
  bool welcomed_ = false;              // on this connection
  std::optional<Clock::time_point> reconnected_at_;
  bool complained_ = false;
  std::chrono::milliseconds heartbeat_{1000};
  std::chrono::milliseconds silence_{5000};
  std::chrono::milliseconds next_pause_{};
  Clock::time_point next_heartbeat_;
  std::string dashboard_;
  unsigned workers_ = 0;
  unsigned threads_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  std::thread keeper_;
};

}  // namespace penstock::client
