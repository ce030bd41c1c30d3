#include "client/wire.hpp"

#include <algorithm>
#include <utility>

#include "penstock/task_error.hpp"
#include "proto/resources.hpp"

namespace penstock::client::wire {
namespace {

TaskErrorKind kind_of(v1::FailureKind kind) {
  switch (kind) {
    case v1::FAILURE_WORKER_LOST:
    case v1::FAILURE_INPUT_LOST: return TaskErrorKind::kWorkerLost;
    case v1::FAILURE_CODE_NOT_AVAILABLE: return TaskErrorKind::kCodeNotAvailable;
    case v1::FAILURE_NO_WORKER: return TaskErrorKind::kNoWorker;
    case v1::FAILURE_BAD_ARGUMENTS: return TaskErrorKind::kBadArguments;
    case v1::FAILURE_REFUSED: return TaskErrorKind::kRefused;
    case v1::FAILURE_CANCELLED: return TaskErrorKind::kCancelled;
    case v1::FAILURE_TIMED_OUT: return TaskErrorKind::kTimedOut;
    default: return TaskErrorKind::kRaised;
  }
}

std::exception_ptr error_of(const v1::Failure& failure) {
  return make_task_error({kind_of(failure.kind()), failure.type(), failure.text(), failure.task(),
                          failure.worker(), failure.attempt()});
}

}  // namespace

v1::PlanDefinition definition_of(std::uint32_t number, const std::vector<detail::Stage>& stages,
                                 const TaskOptions& options, PlanForm form) {
  v1::PlanDefinition definition;
  v1::Plan plan;
  plan.set_batched(form == PlanForm::kBatched);
  plan.set_keeps_nothing(form == PlanForm::kKeepsNothing);
  plan.set_priority(options.priority);
  plan.set_timeout_ns(static_cast<std::uint64_t>(options.timeout.count()));
  std::string label;
  for (const auto& stage : stages) {
    auto& message = *plan.add_stages();
    message.set_module(stage.module);
    message.set_offset(stage.offset);
    message.set_function(stage.function);
    message.set_signature(stage.signature);
    message.set_constants(stage.constants);
    label += (label.empty() ? "" : " | ") + stage.function;
    if (stage.module.empty()) continue;  // every worker has it
    const auto& modules = definition.modules();
    if (std::find(modules.begin(), modules.end(), stage.module) == modules.end()) {
      definition.add_modules(stage.module);
    }
  }
  definition.set_plan(number);
  definition.set_definition(plan.SerializeAsString());
  definition.set_label(std::move(label));
  definition.set_module_name(stages.front().module_name);
  definition.set_priority(options.priority);
  if (const auto resources = proto_resources::parse(options.resources); resources.ok()) {
    proto_resources::encode(*resources, *definition.mutable_resources());
  }
  return definition;
}

detail::Outcome outcome_of(v1::Outcome&& message, const absl::Cord& value) {
  detail::Outcome outcome;
  outcome.run = Duration{static_cast<std::int64_t>(message.run_ns())};
  if (!message.has_failure()) {
    outcome.value = std::string(value);
  } else {
    outcome.error = error_of(message.failure());
  }
  return outcome;
}

detail::Outcome outcome_of(v1::TaskBatchResult::Item&& item, Duration run) {
  if (item.has_failure()) return {"", error_of(item.failure()), run};
  return {std::move(*item.mutable_value()), nullptr, run};
}

detail::Outcome outcome_of(const v1::Failure& failure) { return {"", error_of(failure), {}}; }

}  // namespace penstock::client::wire
