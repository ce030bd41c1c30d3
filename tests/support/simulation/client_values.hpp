// The values of a client that stay on workers, around the production state of each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/core/kept_state.hpp"
#include "tests/support/simulation/client_process.hpp"

namespace penstock::simulation {

// A value and the task that can make it again.
class ClientProcess::Kept {
 public:
  Kept(ClientProcess& client, const Entry& made_by, const ValuePlace& where);
  ~Kept();
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  const PlanPtr plan;
  const Input input;  // without holds
  const WhereToRun run_at;
  client::KeptState<ValuePlace, std::string> state;
  unsigned holds = 0;

 private:
  ClientProcess& client_;
  const LifePtr life_;
  friend class ClientProcess::Hold;
};

// Who holds it needs it.
class ClientProcess::Hold final : public detail::KeptValue {
 public:
  explicit Hold(KeptPtr of) : kept(std::move(of)) { ++kept->holds; }
  ~Hold() override {
    if (--kept->holds == 0 && kept->life_->alive) kept->client_.let_go_.push_back(kept);
  }
  std::size_t size() const override { return 1; }

  const KeptPtr kept;
};

}  // namespace penstock::simulation
