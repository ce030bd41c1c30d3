#include "scheduler/wire.hpp"

#include <algorithm>
#include <utility>

namespace penstock::scheduler::wire {
namespace {

FailureKind kind_of(v1::FailureKind kind) {
  switch (kind) {
    case v1::FAILURE_BAD_ARGUMENTS: return FailureKind::kBadArguments;
    case v1::FAILURE_CODE_NOT_AVAILABLE: return FailureKind::kCodeNotAvailable;
    case v1::FAILURE_REFUSED: return FailureKind::kRefused;
    case v1::FAILURE_CANCELLED: return FailureKind::kCancelled;
    case v1::FAILURE_NO_WORKER: return FailureKind::kNoWorker;
    case v1::FAILURE_WORKER_LOST: return FailureKind::kWorkerLost;
    case v1::FAILURE_INPUT_LOST: return FailureKind::kInputLost;
    case v1::FAILURE_TIMED_OUT: return FailureKind::kTimedOut;
    default: return FailureKind::kRaised;
  }
}

v1::FailureKind kind_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRaised: return v1::FAILURE_RAISED;
    case FailureKind::kWorkerLost: return v1::FAILURE_WORKER_LOST;
    case FailureKind::kCodeNotAvailable: return v1::FAILURE_CODE_NOT_AVAILABLE;
    case FailureKind::kNoWorker: return v1::FAILURE_NO_WORKER;
    case FailureKind::kBadArguments: return v1::FAILURE_BAD_ARGUMENTS;
    case FailureKind::kRefused: return v1::FAILURE_REFUSED;
    case FailureKind::kCancelled: return v1::FAILURE_CANCELLED;
    case FailureKind::kInputLost: return v1::FAILURE_INPUT_LOST;
    case FailureKind::kTimedOut: return v1::FAILURE_TIMED_OUT;
  }
  return v1::FAILURE_UNSPECIFIED;
}

Failure failure_of(v1::Failure&& message) {
  Failure failure;
  failure.kind = kind_of(message.kind());
  failure.type = std::move(*message.mutable_type());
  failure.text = std::move(*message.mutable_text());
  failure.task = std::move(*message.mutable_task());
  failure.worker = std::move(*message.mutable_worker());
  failure.attempt = message.attempt();
  failure.lost_inputs.assign(message.lost_inputs().begin(), message.lost_inputs().end());
  return failure;
}

template <typename Messages>
Resources resources_of(Messages& messages) {
  Resources resources;
  for (auto& resource : messages) resources[std::move(*resource.mutable_name())] = resource.thousandths();
  return resources;
}

Event event_of(WorkerId worker, v1::TaskDone& done, absl::Cord&& value) {
  TaskFinished event{worker, TaskId{done.task()}, done.attempt(), {}, done.thread(),
                     Duration{static_cast<std::int64_t>(done.run_ns())}};
  if (done.has_failure()) {
    event.result = failure_of(std::move(*done.mutable_failure()));
  } else {
    event.result = std::move(value);
    event.kept = done.kept();
  }
  return event;
}

WorkerJoined joined_of(WorkerId worker, v1::WorkerHello& hello) {
  WorkerJoined event{worker, std::move(*hello.mutable_name()), hello.threads(), {},
                     hello.memory_limit(), hello.supervised()};
  for (auto& module : *hello.mutable_modules()) {
    event.modules.push_back({std::move(*module.mutable_build_id()),
                             std::move(*module.mutable_name()), module.tasks()});
  }
  event.resources = resources_of(*hello.mutable_resources());
  event.resource_group = std::move(*hello.mutable_resource_group());
  return event;
}

ProgramOffer offer_of(v1::ProgramOffer&& message) {
  return {std::move(*message.mutable_sha256()), message.size(), std::move(*message.mutable_build_id()),
          std::move(*message.mutable_name())};
}

}  // namespace

std::vector<Event> events_of(ClientId client, ClientFrame&& frame) {
  v1::ClientBatch& batch = frame.batch;
  std::vector<Event> events;
  events.reserve(batch.plans_size() + batch.submits_size() + batch.cancels_size() +
                 batch.forget_plans_size() + batch.free_size() + 2);
  if (batch.has_hello()) {
    v1::ClientHello& hello = *batch.mutable_hello();
    ClientJoined event{client, std::move(*hello.mutable_name()), std::max(hello.weight(), 1U)};
    if (hello.has_program()) event.program = offer_of(std::move(*hello.mutable_program()));
    events.emplace_back(std::move(event));
  } else {
    events.emplace_back(ClientHeard{client});
  }
  for (auto& plan : *batch.mutable_plans()) {
    PlanDefined event{client, plan.plan(), std::move(*plan.mutable_definition()), {},
                      std::move(*plan.mutable_label()), std::move(*plan.mutable_module_name()), plan.priority()};
    for (auto& module : *plan.mutable_modules()) event.modules.push_back(std::move(module));
    event.resources = resources_of(*plan.mutable_resources());
    events.emplace_back(std::move(event));
  }
  auto input = frame.payloads.begin();
  for (auto& submit : *batch.mutable_submits()) {
    TaskSubmitted event{client, submit.id(), submit.plan(), std::move(*input++)};
    // Only where there is something: mutable_...() makes a string of an empty one.
    if (!submit.kept().empty()) event.kept = std::move(*submit.mutable_kept());
    if (!submit.near().empty()) event.near = std::move(*submit.mutable_near());
    event.pinned = submit.pinned();
    event.lost_workers = submit.lost_workers();
    events.emplace_back(std::move(event));
  }
  for (const auto id : batch.cancels()) events.emplace_back(TaskCancelled{client, id});
  for (const auto plan : batch.forget_plans()) events.emplace_back(PlanForgotten{client, plan});
  for (auto& request : *batch.mutable_requests()) {
    if (request.has_publish()) {
      auto& publish = *request.mutable_publish();
      events.emplace_back(NamePublished{client, request.id(), std::move(*publish.mutable_name()),
                                        std::move(*publish.mutable_signature())});
    }
    if (request.has_get()) {
      auto& get = *request.mutable_get();
      events.emplace_back(NameAsked{client, request.id(), std::move(*get.mutable_name()),
                                    std::move(*get.mutable_signature()), get.lost()});
    }
    if (request.published()) events.emplace_back(NamesAsked{client, request.id()});
    if (request.workers()) events.emplace_back(WorkersAsked{client, request.id()});
    if (request.retire().empty()) continue;
    WorkersRetired event{client, request.id(), {}};
    for (auto& name : *request.mutable_retire()) event.names.push_back(std::move(name));
    events.emplace_back(std::move(event));
  }
  for (const auto request : batch.forget_requests()) events.emplace_back(QuestionForgotten{client, request});
  for (auto& name : *batch.mutable_withdraw()) events.emplace_back(NameWithdrawn{client, std::move(name)});
  for (auto& given : *batch.mutable_given()) {
    events.emplace_back(ValueGiven{client, ClientId{given.asker()}, given.request(), std::move(*given.mutable_error()),
                                   absl::Cord(std::move(*given.mutable_value())), given.kept()});
  }
  if (!batch.unshare().empty()) {
    ValuesUnshared event{client, {}};
    for (auto& name : *batch.mutable_unshare()) event.names.push_back(std::move(name));
    events.emplace_back(std::move(event));
  }
  for (auto& free : *batch.mutable_free()) {
    ValuesFreed event{client, std::move(*free.mutable_worker()), {}};
    for (const auto& value : free.values()) event.values.push_back({TaskId{value.task()}, value.attempt()});
    events.emplace_back(std::move(event));
  }
  return events;
}

std::vector<Event> events_of(WorkerId worker, WorkerFrame&& frame) {
  v1::WorkerBatch& batch = frame.batch;
  std::vector<Event> events;
  events.reserve(batch.done_size() + batch.waits_size() + batch.returned_size() + 3);
  if (batch.has_hello()) {
    events.emplace_back(joined_of(worker, *batch.mutable_hello()));
  } else {
    events.emplace_back(WorkerHeard{worker});
  }
  if (batch.leaving()) events.emplace_back(WorkerLeaving{worker});
  auto value = frame.payloads.begin();
  for (auto& done : *batch.mutable_done()) {
    events.push_back(event_of(worker, done, std::move(*value++)));
  }
  for (const auto& waits : batch.waits()) {
    events.emplace_back(TaskWaits{worker, TaskId{waits.task()}, waits.attempt(), waits.waits()});
  }
  for (const auto task : batch.returned()) {
    events.emplace_back(TaskReturned{worker, TaskId{task}});
  }
  if (batch.has_status()) {
    events.emplace_back(WorkerReported{worker, batch.status().memory(), batch.status().cpu()});
  }
  return events;
}

Event event_of(v1::WorkerExit&& exit) {
  WorkerExited event{std::move(*exit.mutable_worker()), exit.exit_code(), exit.signal(), {},
                     std::move(*exit.mutable_last_lines())};
  for (const auto task : exit.running()) event.running.push_back(TaskId{task});
  return event;
}

ProgramPiece piece_of(ClientFrame& frame) {
  v1::ProgramPiece& piece = *frame.batch.mutable_program();
  return {std::move(*piece.mutable_sha256()), piece.offset(), std::move(*piece.mutable_bytes()),
          std::move(*piece.mutable_failure())};
}

Event event_of(std::uint64_t report, v1::HostReport&& message) {
  HostReported event{report, std::move(*message.mutable_name()), message.instance(), message.max_programs()};
  for (auto& program : *message.mutable_programs()) {
    event.programs.push_back({offer_of(std::move(*program.mutable_program())), program.running(),
                              std::move(*program.mutable_failure())});
  }
  return event;
}

v1::HostOrders message_of(SendOrders&& action) {
  v1::HostOrders orders;
  for (ProgramOffer& offer : action.programs) {
    auto& program = *orders.add_programs();
    program.set_sha256(std::move(offer.sha256));
    program.set_size(offer.size);
    program.set_build_id(std::move(offer.build_id));
    program.set_name(std::move(offer.name));
  }
  return orders;
}

void add(ClientInbox& inbox, SendProgramRequest&& action) {
  inbox.batch.set_send_program(std::move(action.sha256));
}

void add(ClientInbox& inbox, SendOutcome&& action) {
  auto& outcome = *inbox.batch.add_outcomes();
  outcome.set_id(action.id);
  outcome.set_run_ns(action.run.count());
  auto& value = inbox.payloads.emplace_back();
  if (auto* result = std::get_if<absl::Cord>(&action.result)) {
    value = std::move(*result);
    outcome.set_kept(action.kept);
    return;
  }
  auto& from = std::get<Failure>(action.result);
  auto& to = *outcome.mutable_failure();
  to.set_kind(kind_of(from.kind));
  to.set_type(std::move(from.type));
  to.set_text(std::move(from.text));
  to.set_task(std::move(from.task));
  to.set_worker(std::move(from.worker));
  to.set_attempt(from.attempt);
  to.mutable_lost_inputs()->Add(from.lost_inputs.begin(), from.lost_inputs.end());
  to.set_lost_workers(from.lost_workers);
}

void add(ClientInbox& inbox, const SendClusterState& action) {
  auto& cluster = *inbox.batch.mutable_cluster();
  cluster.set_workers(action.workers);
  cluster.set_threads(action.threads);
}

void add(ClientInbox& inbox, SendWorkers&& action) {
  auto& answer = *inbox.batch.add_answers();
  answer.set_id(action.request);
  for (WorkerInfo& worker : action.workers) {
    auto& info = *answer.add_workers();
    info.set_name(std::move(worker.name));
    info.set_threads(worker.threads);
    info.set_memory(worker.memory);
    info.set_memory_limit(worker.memory_limit);
    info.set_cpu(worker.cpu);
    info.set_running(worker.running);
    info.set_queued(worker.queued);
    info.set_done(worker.done);
    info.set_failed(worker.failed);
    info.set_leaving(worker.leaving);
    info.set_waiting(worker.waiting);
    for (const auto& [name, amount] : worker.resources) {
      auto& resource = *info.add_resources();
      resource.set_name(name);
      resource.set_thousandths(amount);
    }
  }
}

void add(ClientInbox& inbox, SendAnswer&& action) {
  auto& answer = *inbox.batch.add_answers();
  answer.set_id(action.request);
  answer.set_error(std::move(action.error));
  for (std::string& name : action.names) answer.add_names(std::move(name));
  answer.set_value(std::string(action.value));
  answer.set_kept(action.kept);
}

void add(ClientInbox& inbox, SendNameAsked&& action) {
  auto& asked = *inbox.batch.add_asked();
  asked.set_asker(static_cast<std::uint64_t>(action.asker));
  asked.set_request(action.request);
  asked.set_name(std::move(action.name));
  asked.set_lost(action.lost);
}

void add(WorkerInbox& inbox, SendPlan&& action) {
  auto& plan = *inbox.batch.add_plans();
  plan.set_plan(static_cast<std::uint64_t>(action.plan));
  plan.set_definition(std::move(action.definition));
}

void add(WorkerInbox& inbox, const SendForgetPlan& action) {
  inbox.batch.add_forget_plans(static_cast<std::uint64_t>(action.plan));
}

void add(WorkerInbox& inbox, SendTask&& action) {
  auto& run = *inbox.batch.add_runs();
  run.set_task(static_cast<std::uint64_t>(action.task));
  run.set_attempt(action.attempt);
  run.set_plan(static_cast<std::uint64_t>(action.plan));
  run.set_client(static_cast<std::uint64_t>(action.client));
  if (!action.kept.empty()) run.set_kept(std::move(action.kept));
  inbox.payloads.push_back(std::move(action.input));
}

void add(WorkerInbox& inbox, const SendCancel& action) {
  inbox.batch.add_cancels(static_cast<std::uint64_t>(action.task));
}

void add(WorkerInbox& inbox, const SendFree& action) {
  for (const ValueName& value : action.values) {
    auto& name = *inbox.batch.add_free();
    name.set_task(static_cast<std::uint64_t>(value.task));
    name.set_attempt(value.attempt);
  }
}

void add(WorkerInbox& inbox, const SendUnshare& action) {
  for (const std::string& name : action.names) inbox.batch.add_unshare(name);
}

void add(WorkerInbox& inbox, const SendRetire&) { inbox.batch.set_retire(true); }

void add(WorkerInbox& inbox, const SendGoneClient& action) {
  inbox.batch.add_gone_clients(static_cast<std::uint64_t>(action.client));
}

}  // namespace penstock::scheduler::wire
