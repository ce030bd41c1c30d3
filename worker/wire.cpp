#include "worker/wire.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include <penstock/detail/shared_values.hpp>
#include <penstock/detail/task_place.hpp>

#include "proto/limits.hpp"
#include "proto/resources.hpp"

namespace penstock::worker {
namespace {

PlanFunction always(Failure failure) {
  return [failure = std::move(failure)](std::string_view) -> Result { return failure; };
}

Failure unrunnable(const absl::Status& status, std::span<const detail::Stage> stages) {
  const bool missing = status.code() == absl::StatusCode::kFailedPrecondition;
  return Failure{missing ? FailureKind::kCodeNotAvailable : FailureKind::kBadArguments, "",
                 std::string(status.message()), stages.empty() ? "" : stages.front().function};
}

Result run(const detail::BoundPlan& plan, std::string_view input) {
  std::string output;
  std::optional<detail::TaskFailure> failure = plan.run(input, output);
  if (!failure) return output;
  if (failure->missing) return Failure{FailureKind::kInputLost, proto_limits::kSharedValue, std::move(failure->text), ""};
  return Failure{failure->raised ? FailureKind::kRaised : FailureKind::kBadArguments,
                 std::move(failure->type), std::move(failure->text), std::move(failure->function)};
}

// The stages that every worker has.
PlanFunction built_in(const detail::Stage& stage) {
  if (stage.function == detail::kStoreStage) {
    return [](std::string_view input) -> Result { return std::string(input); };
  }
  if (stage.function == detail::kShareStage) {
    return [name = stage.constants](std::string_view input) -> Result {
      const detail::TaskPlace& place = detail::task_place();
      // When its client is gone nobody would drop it.
      if (place.stop != nullptr && place.stop->stop_requested()) return std::string(1, '\0');
      detail::put_shared_value(name, place.client, std::string(input));
      return std::string(1, '\0');
    };
  }
  return always(Failure{FailureKind::kCodeNotAvailable, "", "this worker has no " + stage.function, stage.function});
}

v1::FailureKind to_proto(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRaised:
      return v1::FAILURE_RAISED;
    case FailureKind::kCodeNotAvailable:
      return v1::FAILURE_CODE_NOT_AVAILABLE;
    case FailureKind::kBadArguments:
      return v1::FAILURE_BAD_ARGUMENTS;
    case FailureKind::kRefused:
      return v1::FAILURE_REFUSED;
    case FailureKind::kTimedOut:
      return v1::FAILURE_TIMED_OUT;
    case FailureKind::kInputLost:
      return v1::FAILURE_INPUT_LOST;
  }
  return v1::FAILURE_UNSPECIFIED;
}

void encode_failure(Failure& from, std::string_view worker, std::uint32_t attempt, v1::Failure& to) {
  to.set_kind(to_proto(from.kind));
  to.set_type(std::move(from.type));
  to.set_text(std::move(from.text));
  to.set_task(std::move(from.task));
  to.set_worker(std::string(worker));
  to.set_attempt(attempt);
  to.mutable_lost_inputs()->Add(from.lost_inputs.begin(), from.lost_inputs.end());
}

std::string encode_kept(const SendDone& done, const StoredValue& value, const Identity& identity) {
  v1::KeptValue kept;
  kept.set_worker(identity.name);
  kept.set_task(static_cast<std::uint64_t>(done.task));
  kept.set_attempt(done.attempt);
  kept.set_size(value.size());
  kept.set_address(identity.values_address);
  kept.set_name(value.name());
  if (const proto_values::SharedBytes* shared = value.shared()) {
    v1::SharedMemory& memory = *kept.mutable_memory();
    memory.set_machine(proto_values::this_machine());
    memory.set_process(static_cast<std::uint32_t>(getpid()));
    memory.set_fd(static_cast<std::uint32_t>(shared->descriptor()));
    memory.set_name(shared->name());
  }
  return kept.SerializeAsString();
}

void encode_done(SendDone& from, const Identity& identity, v1::TaskDone& to, absl::Cord& payload) {
  to.set_task(static_cast<std::uint64_t>(from.task));
  to.set_attempt(from.attempt);
  to.set_thread(from.place);
  to.set_run_ns(static_cast<std::uint64_t>(from.run.count()));
  if (auto* value = std::get_if<std::string>(&from.result)) {
    payload = absl::Cord(std::move(*value));
    return;
  }
  if (auto* kept = std::get_if<Kept>(&from.result)) {
    const std::shared_ptr<const StoredValue> value = std::move(kept->value);
    payload = absl::Cord(encode_kept(from, *value, identity));
    to.set_kept(true);
    return;
  }
  encode_failure(std::get<Failure>(from.result), identity.name, from.attempt, *to.mutable_failure());
}

// The function of a plan whose tasks are batches. `last` is its last function.
PlanFunction batched(PlanFunction one, std::string last) {
  return [one = std::move(one), last = std::move(last)](std::string_view input) -> Result {
    v1::TaskBatch batch;
    if (input.size() > INT_MAX || !batch.ParseFromArray(input.data(), static_cast<int>(input.size()))) {
      return Failure{FailureKind::kBadArguments, "", "the batch cannot be read", ""};
    }
    const detail::TaskPlace& place = detail::task_place();
    v1::TaskBatchResult results;
    std::size_t bytes = 0;
    for (const std::string& element : batch.inputs()) {
      if (place.stop != nullptr && place.stop->stop_requested()) {
        return Failure{FailureKind::kRefused, "", "the whole batch was cancelled", ""};
      }
      Result result = one(element);
      if (const auto* value = std::get_if<std::string>(&result);
          value != nullptr && value->size() > proto_limits::kMaxValueBytes) {
        result = too_large_to_travel(value->size(), "", last);
      }
      v1::TaskBatchResult::Item& item = *results.add_items();
      if (auto* value = std::get_if<std::string>(&result)) {
        bytes += value->size();
        item.set_value(std::move(*value));
      } else {
        encode_failure(std::get<Failure>(result), place.worker, place.attempt, *item.mutable_failure());
      }
      if (bytes > proto_limits::kMaxValueBytes / 2) {
        return Failure{FailureKind::kRefused, "", "the results of the batch are too large together", ""};
      }
    }
    return results.SerializeAsString();
  };
}

detail::Stage decode_stage(v1::Stage& from) {
  detail::Stage stage;
  stage.module = std::move(*from.mutable_module());
  stage.offset = from.offset();
  stage.function = std::move(*from.mutable_function());
  stage.signature = std::move(*from.mutable_signature());
  stage.constants = std::move(*from.mutable_constants());
  return stage;
}

RunnablePlan decode_plan(const v1::WorkerPlan& from, const Binder& bind) {
  v1::Plan plan;
  if (!plan.ParseFromString(from.definition()) || plan.stages().empty()) {
    return {always(Failure{FailureKind::kBadArguments, "", "the plan cannot be read", ""})};
  }
  std::vector<detail::Stage> stages;
  stages.reserve(static_cast<std::size_t>(plan.stages_size()));
  for (v1::Stage& stage : *plan.mutable_stages()) stages.push_back(decode_stage(stage));
  RunnablePlan to{bind(stages), !plan.keeps_nothing() && !plan.batched(), stages.back().function};
  to.timeout = Duration{static_cast<std::int64_t>(std::min<std::uint64_t>(plan.timeout_ns(), INT64_MAX))};
  to.priority = plan.priority();
  if (plan.batched()) to.run = batched(std::move(to.run), to.last);
  return to;
}

}  // namespace

PlanFunction bind_stages(std::span<const detail::Stage> stages) {
  if (stages.size() == 1 && stages.front().module.empty()) return built_in(stages.front());
  absl::StatusOr<detail::BoundPlan> bound = detail::BoundPlan::bind(stages);
  if (!bound.ok()) return always(unrunnable(bound.status(), stages));
  return [plan = std::make_shared<const detail::BoundPlan>(*std::move(bound))](
             std::string_view input) { return run(*plan, input); };
}

void wire::encode_hello(const Identity& identity, WorkerBatch& to) {
  to.clear();
  v1::WorkerHello& hello = *to.batch.mutable_hello();
  hello.set_protocol(proto_limits::kProtocolVersion);
  hello.set_name(identity.name);
  hello.set_threads(identity.threads);
  hello.set_memory_limit(identity.memory_limit);
  hello.set_supervised(identity.supervised);
  proto_resources::encode(identity.resources, *hello.mutable_resources());
  hello.set_resource_group(identity.resource_group);
  for (detail::Module& module : detail::task_modules()) {
    v1::Module& out = *hello.add_modules();
    out.set_build_id(std::move(module.build_id));
    out.set_name(std::move(module.name));
    out.set_tasks(module.tasks);
  }
}

void wire::encode(Outbound& from, const Identity& identity, WorkerBatch& to) {
  to.clear();
  for (SendDone& done : from.done) {
    encode_done(done, identity, *to.batch.add_done(), to.payloads.emplace_back());
  }
  for (const SendWaits& waits : from.waits) {
    v1::TaskWaits& out = *to.batch.add_waits();
    out.set_task(static_cast<std::uint64_t>(waits.task));
    out.set_attempt(waits.attempt);
    out.set_waits(waits.waits);
  }
  for (const TaskId task : from.returned) to.batch.add_returned(static_cast<std::uint64_t>(task));
  to.batch.set_leaving(from.leaving);
  if (!from.status) return;
  v1::WorkerStatus& status = *to.batch.mutable_status();
  status.set_memory(from.status->usage.memory);
  status.set_cpu(from.status->usage.cpu);
  status.set_running(from.status->running);
  status.set_queued(from.status->queued);
}

void wire::decode(WorkerInbox& from, const Binder& bind, Inbound& to) {
  const v1::WorkerInbox& inbox = from.batch;
  for (const v1::WorkerPlan& plan : inbox.plans()) {
    to.plans.push_back(
        {PlanId{plan.plan()}, std::make_shared<const RunnablePlan>(decode_plan(plan, bind))});
  }
  to.tasks.reserve(from.payloads.size());
  auto input = from.payloads.begin();
  for (const v1::Run& run : inbox.runs()) {
    to.tasks.push_back(TaskArrived{TaskId{run.task()}, run.attempt(), PlanId{run.plan()},
                                   std::move(*input++), run.kept().empty() ? absl::Cord() : absl::Cord(run.kept()),
                                   ClientId{run.client()}});
  }
  for (const std::uint64_t task : inbox.cancels()) to.cancels.push_back(TaskId{task});
  for (const std::uint64_t plan : inbox.forget_plans()) to.forgotten.push_back(PlanId{plan});
  for (const v1::ValueName& name : inbox.free()) {
    to.freed.push_back({TaskId{name.task()}, name.attempt()});
  }
  for (const std::uint64_t client : inbox.gone_clients()) {
    to.gone_clients.push_back(ClientId{client});
  }
  to.unshared.assign(inbox.unshare().begin(), inbox.unshare().end());
}

}  // namespace penstock::worker
