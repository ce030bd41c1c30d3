#include "tests/support/simulation/client_values.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace penstock::simulation {
namespace {

detail::Outcome outcome_of(scheduler::SendOutcome&& action) {
  if (auto* value = std::get_if<absl::Cord>(&action.result)) {
    return {std::string(*value), nullptr, action.run};
  }
  auto& failure = std::get<scheduler::Failure>(action.result);
  return {"", std::make_exception_ptr(TaskFailed{std::move(failure)}), action.run};
}

}  // namespace

ClientProcess::ClientProcess(Environment& environment, Network& network, std::uint64_t number)
    : Dialler(environment, network), number_(number) {}

// ---- tasks --------------------------------------------------------------------------------------

ClientProcess::PlanPtr ClientProcess::make_plan(const Function& function,
                                                std::vector<std::string> modules) {
  auto* plan = new Plan{++last_plan_, function, std::move(modules), "f" + function.definition()};
  return {plan, [this, life = life_](const Plan* last) {
            if (life->alive) forget(last->number);
            delete last;
          }};
}

void ClientProcess::forget(std::uint32_t plan) {
  if (plans_sent_.erase(plan) != 0) to_forget_.push_back(plan);
}

detail::CellPtr ClientProcess::submit(const PlanPtr& plan, detail::Encoded input, detail::Want want,
                                      WhereToRun run_at) {
  auto cell = std::make_shared<detail::Cell>();
  bytes_ += input.bytes.size();
  cell->id = ledger_.add({plan, input_of(std::move(input)), cell, want, std::move(run_at)});
  to_send_.push_back(cell->id);
  environment_.report.note("submit (client, id)", number_, cell->id);
  write();
  return cell;
}

std::optional<ClientProcess::Entry> ClientProcess::take(std::uint64_t id) {
  auto entry = ledger_.settle(id);
  if (entry) bytes_ -= entry->input.bytes.size();
  return entry;
}

bool ClientProcess::cancel(const detail::CellPtr& cell) {
  const auto entry = take(cell->id);
  if (!entry) return false;
  environment_.report.note("cancel (client, id)", number_, cell->id);
  to_cancel_.push_back(cell->id);
  write();
  scheduler::Failure failure{scheduler::FailureKind::kCancelled, "", "", entry->plan->label, "", 0};
  cell->settle({"", std::make_exception_ptr(TaskFailed{std::move(failure)}), {}});
  return true;
}

// ---- the connection -----------------------------------------------------------------------------

FromClient ClientProcess::hello() {
  FromClient batch;
  batch.hello = "client " + std::to_string(number_);
  return batch;
}

void ClientProcess::welcomed() {
  // A new session knows nothing: everything that has no outcome is sent again, in the old order.
  ++epoch_;
  plans_sent_.clear();
  to_forget_.clear();
  to_cancel_.clear();
  const auto ids = ledger_.unsettled();
  to_send_.assign(ids.begin(), ids.end());
  environment_.report.note("client is welcomed (unsettled)", number_, ids.size());
}

void ClientProcess::received(ToClient&& batch) {
  if (batch.cluster) threads_ = batch.cluster->threads;
  // The book is closed for all of them first, as the real session does to free its lock.
  std::vector<Settled> settled;
  for (auto& outcome : batch.outcomes) {
    const auto* failure = std::get_if<scheduler::Failure>(&outcome.result);
    if (outcome.kept) {
      received_kept(std::move(outcome), settled);
    } else if (failure != nullptr && failure->kind == scheduler::FailureKind::kInputLost &&
               input_was_lost(outcome.id, *failure)) {
      continue;  // it is sent anew
    } else if (auto entry = take(outcome.id)) {
      const KeptPtr makes = entry->makes;
      settled.emplace_back(std::move(*entry), outcome_of(std::move(outcome)));
      if (makes) made_again(makes, settled.back().second, settled);
    }
  }
  for (auto& [entry, outcome] : settled) entry.cell->settle(std::move(outcome));
  write();
}

bool ClientProcess::fill(FromClient& batch) {
  batch.cancels = std::exchange(to_cancel_, {});
  batch.forgotten = std::exchange(to_forget_, {});
  add_freed(batch);
  while (!to_send_.empty() && batch.submits.size() < environment_.batch_limit) {
    const auto id = to_send_.front();
    to_send_.pop_front();
    Entry* const entry = ledger_.find(id);
    if (entry != nullptr && inputs_are_there(id, *entry)) add_submit(batch, id, *entry);
  }
  return !batch.cancels.empty() || !batch.forgotten.empty() || !batch.submits.empty() || !batch.freed.empty();
}

void ClientProcess::add_submit(FromClient& batch, std::uint64_t id, Entry& entry) {
  const Plan& plan = *entry.plan;
  if (plans_sent_.insert(plan.number).second) {
    batch.plans.push_back(
        {{}, plan.number, plan.function.definition(), plan.modules, plan.label, "program"});
  }
  auto& submit = batch.submits.emplace_back(scheduler::TaskSubmitted{{}, id, plan.number, {}});
  submit.lost_workers = entry.lost_workers;
  submit.near = entry.run_at.worker;
  submit.pinned = entry.run_at.only;
  add_inputs(submit, entry.input);
}

bool ClientProcess::tries_again(Ending ending) {
  environment_.report.note("client lost its connection", number_, static_cast<unsigned>(ending));
  if (ending != Ending::kRefused) return true;
  environment_.report.fail("a client was refused for good: its tasks would fail");
  return false;
}

}  // namespace penstock::simulation
