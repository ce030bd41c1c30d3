// A client's shell around the production ledger: what is owned until settled, sent again in order
// on every new connection.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "client/core/ledger.hpp"
#include "penstock/detail/cell.hpp"
#include "penstock/detail/task_port.hpp"
#include "tests/support/simulation/dialler.hpp"
#include "tests/support/simulation/function.hpp"

namespace penstock::simulation {

// What a cell's error holds.
struct TaskFailed {
  scheduler::Failure failure;
};

struct WhereToRun {
  std::string worker = {};  // empty: anywhere
  bool only = false;        // or nowhere
};

class ClientProcess final : public Dialler<FromClient, ToClient> {
 public:
  // A function as the session knows it; the session forgets it with the last reference.
  struct Plan {
    std::uint32_t number;
    Function function;
    std::vector<std::string> modules;
    std::string label;
  };
  using PlanPtr = std::shared_ptr<const Plan>;

  ClientProcess(Environment& environment, Network& network, std::uint64_t number);
  ~ClientProcess() override { life_->alive = false; }  // values ask, to the last

  PlanPtr make_plan(const Function& function, std::vector<std::string> modules);
  // Whose value may be on a worker when the cell settles, if it may be anywhere.
  detail::CellPtr submit(const PlanPtr& plan, detail::Encoded input, detail::Want want,
                         WhereToRun run_at = {});
  // False when the outcome was faster.
  bool cancel(const detail::CellPtr& cell);

  // Sends what forgetting a plan left to be sent; the real one does so with the next heartbeat.
  void flush() { write(); }

  std::uint64_t number() const { return number_; }
  unsigned threads() const { return threads_; }
  std::size_t unsettled() const { return ledger_.size(); }
  std::size_t unsettled_bytes() const { return bytes_; }
  std::size_t unsent() const { return to_send_.size(); }
  std::size_t values() const { return values_.size() + reading_.size(); }  // on workers
  bool needs(const ValuePlace& place) const;

 private:
  class Kept;
  class Hold;
  using KeptPtr = std::shared_ptr<Kept>;
  struct Input {
    struct Part {
      std::size_t at = 0;
      KeptPtr value;
      std::shared_ptr<Hold> hold;
      unsigned version = 0;
      std::optional<std::uint32_t> place = {};  // among those that were not here when it was sent
    };
    std::string bytes;
    std::vector<Part> parts;
  };
  struct Entry {
    PlanPtr plan;
    Input input;
    detail::CellPtr cell;
    detail::Want want = detail::Want::kHere;
    WhereToRun run_at = {};
    KeptPtr makes = nullptr;  // a value that was lost
    unsigned lost_inputs = 0;  // times
    std::uint32_t lost_workers = 0;
  };
  using Settled = std::pair<Entry, detail::Outcome>;
  using Freed = std::pair<ValuePlace, std::uint64_t>;  // of which connection

  FromClient hello() override;
  void welcomed() override;
  void received(ToClient&& batch) override;
  bool fill(FromClient& batch) override;
  void heartbeat() override { write(true); }
  void ended() override { threads_ = 0; }
  bool tries_again(Ending ending) override;

  void forget(std::uint32_t plan);
  void add_submit(FromClient& batch, std::uint64_t id, Entry& entry);
  std::optional<Entry> take(std::uint64_t id);

  // ---- client_values.cpp
  static Input input_of(detail::Encoded&& input);
  static Input recipe_of(const Input& input);
  bool inputs_are_there(std::uint64_t id, Entry& entry);
  static void add_inputs(scheduler::TaskSubmitted& submit, Input& input);
  bool input_was_lost(std::uint64_t id, const scheduler::Failure& failure);
  void make_again(const KeptPtr& value);
  void made_again(KeptPtr value, detail::Outcome outcome, std::vector<Settled>& settled);
  void send_anew(std::uint64_t id);
  void received_kept(scheduler::SendOutcome&& outcome, std::vector<Settled>& settled);
  void read(std::uint64_t id, const ValuePlace& where, Duration run);
  void add_freed(FromClient& batch);

  const std::uint64_t number_;
  client::Ledger<Entry> ledger_;
  std::size_t bytes_ = 0;
  std::deque<std::uint64_t> to_send_;  // ids not yet sent on this connection, in order
  std::vector<std::uint64_t> to_cancel_;
  std::vector<std::uint32_t> to_forget_;
  std::unordered_set<std::uint32_t> plans_sent_;  // on this connection
  std::uint32_t last_plan_ = 0;
  unsigned threads_ = 0;
  std::uint64_t epoch_ = 0;  // counts connections: values on workers belong to one
  std::unordered_set<const Kept*> values_;
  std::vector<KeptPtr> let_go_;  // that nobody holds any more
  std::vector<Freed> freed_;
  std::vector<Freed> reading_;
};

}  // namespace penstock::simulation
