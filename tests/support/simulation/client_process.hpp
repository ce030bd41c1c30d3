// A client's shell around the production ledger: what is owned until settled, sent again in order
// on every new connection.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "client/core/ledger.hpp"
#include "penstock/detail/cell.hpp"
#include "tests/support/simulation/dialler.hpp"
#include "tests/support/simulation/function.hpp"

namespace penstock::simulation {

// What a cell's error holds.
struct TaskFailed {
  scheduler::Failure failure;
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

  PlanPtr make_plan(const Function& function, std::vector<std::string> modules);
  detail::CellPtr submit(const PlanPtr& plan, std::string input);
  // False when the outcome was faster.
  bool cancel(const detail::CellPtr& cell);

  // Sends what forgetting a plan left to be sent; the real one does so with the next heartbeat.
  void flush() { write(); }

  std::uint64_t number() const { return number_; }
  unsigned threads() const { return threads_; }
  std::size_t unsettled() const { return ledger_.size(); }
  std::size_t unsettled_bytes() const { return bytes_; }
  std::size_t unsent() const { return to_send_.size(); }

 private:
  struct Entry {
    PlanPtr plan;
    std::string input;
    detail::CellPtr cell;
  };

  FromClient hello() override;
  void welcomed() override;
  void received(ToClient&& batch) override;
  bool fill(FromClient& batch) override;
  void heartbeat() override { write(true); }
  void ended() override { threads_ = 0; }
  bool tries_again(Ending ending) override;

  void forget(std::uint32_t plan);
  void add_submit(FromClient& batch, std::uint64_t id, const Entry& entry);
  std::optional<Entry> take(std::uint64_t id);

  const std::uint64_t number_;
  client::Ledger<Entry> ledger_;
  std::size_t bytes_ = 0;
  std::deque<std::uint64_t> to_send_;  // ids not yet sent on this connection, in order
  std::vector<std::uint64_t> to_cancel_;
  std::vector<std::uint32_t> to_forget_;
  std::unordered_set<std::uint32_t> plans_sent_;  // on this connection
  std::uint32_t last_plan_ = 0;
  unsigned threads_ = 0;
};

}  // namespace penstock::simulation
