// What a session knows of a plan, of a task that failed, and of one that is settled. For the session's own
// files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "client/core/batching.hpp"
#include "client/local_run.hpp"
#include "client/session.hpp"
#include "client/wire.hpp"

namespace penstock::client {

class Session::RegisteredPlan final : public detail::Plan {
 public:
  RegisteredPlan(std::weak_ptr<Session> session, std::uint32_t given,
                 std::vector<detail::Stage> stages, const TaskOptions& options)
      : definition(wire::definition_of(given, stages, options, wire::PlanForm::kUsual)),
        batched(wire::definition_of(given + 1, stages, options, wire::PlanForm::kBatched)),
        keeping_nothing(wire::definition_of(given + 2, stages, options, wire::PlanForm::kKeepsNothing)),
        batching(options.timeout > Duration::zero() ? 1 : options.batch),
        session_(std::move(session)),
        stages_(std::move(stages)),
        options_(options) {}
  ~RegisteredPlan() override {
    if (auto session = session_.lock()) session->forget(*this);
  }
  const std::vector<detail::Stage>& stages() const override { return stages_; }
  const TaskOptions& options() const override { return options_; }

  const v1::PlanDefinition definition;
  const v1::PlanDefinition batched;  // the same, for batches
  const v1::PlanDefinition keeping_nothing;  // the same, for values that could not be read where they were
  mutable Batching batching;         // what is known of its tasks; with the session's lock
  mutable std::size_t tasks = 0;     // in the ledger; with the session's lock
  mutable LocalRun local;
  mutable std::optional<detail::BoundPlan> bound;  // to run it here; set before `local` is active

 private:
  std::weak_ptr<Session> session_;
  std::vector<detail::Stage> stages_;
  const TaskOptions options_;
};

struct Session::Failed final : detail::FailedTask {
  Failed(PlanPtr of_plan, TaskInput with_input) : plan(std::move(of_plan)), input(std::move(with_input)) {}
  const PlanPtr plan;
  const TaskInput input;
};

struct Session::Settled {
  Entry entry;
  detail::Outcome outcome;
};

// An outcome whose value is on a worker, and is wanted here.
struct Session::Unread {
  std::uint64_t id;
  v1::KeptValue where;
  std::uint64_t epoch;
  Duration run;
};

// What is to be done with a message when the lock is free again.
struct Session::Arrived {
  std::vector<Settled> settled;
  std::vector<Unread> unread;
  std::vector<PlanPtr> too_short;  // whose tasks have proved to be so
  std::vector<std::pair<std::shared_ptr<SharedValue>, std::string>> missing;  // at this worker
};

}  // namespace penstock::client
