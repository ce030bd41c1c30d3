// What a session knows of a plan, of a task that failed, and of one that is settled. For the session's own
// files.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "client/core/batching.hpp"
#include "client/session.hpp"
#include "client/wire.hpp"

namespace penstock::client {

class Session::RegisteredPlan final : public detail::Plan {
 public:
  RegisteredPlan(std::weak_ptr<Session> session, std::uint32_t given,
                 std::vector<detail::Stage> stages, const TaskOptions& options)
      : definition(wire::definition_of(given, stages, options.priority, false)),
        batched(wire::definition_of(given + 1, stages, options.priority, true)),
        batching(options.batch),
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
  mutable Batching batching;         // what is known of its tasks; with the session's lock

 private:
  std::weak_ptr<Session> session_;
  std::vector<detail::Stage> stages_;
  const TaskOptions options_;
};

struct Session::Failed final : detail::FailedTask {
  Failed(std::shared_ptr<const RegisteredPlan> of_plan, absl::Cord with_input)
      : plan(std::move(of_plan)), input(std::move(with_input)) {}
  const std::shared_ptr<const RegisteredPlan> plan;
  const absl::Cord input;
};

struct Session::Settled {
  Entry entry;
  detail::Outcome outcome;
};

}  // namespace penstock::client
