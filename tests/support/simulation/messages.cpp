#include "tests/support/simulation/messages.hpp"

#include <utility>

namespace penstock::simulation {
namespace {

scheduler::FailureKind kind_of(worker::FailureKind kind) {
  switch (kind) {
    case worker::FailureKind::kRaised:
      return scheduler::FailureKind::kRaised;
    case worker::FailureKind::kCodeNotAvailable:
      return scheduler::FailureKind::kCodeNotAvailable;
    case worker::FailureKind::kBadArguments:
      return scheduler::FailureKind::kBadArguments;
    case worker::FailureKind::kRefused:
      return scheduler::FailureKind::kRefused;
    case worker::FailureKind::kInputLost:
      return scheduler::FailureKind::kInputLost;
    case worker::FailureKind::kTimedOut:
      return scheduler::FailureKind::kTimedOut;
  }
  return scheduler::FailureKind::kRefused;
}

scheduler::Result result_of(worker::Result&& result) {
  if (auto* value = std::get_if<std::string>(&result)) return absl::Cord(std::move(*value));
  auto& failure = std::get<worker::Failure>(result);
  return scheduler::Failure{kind_of(failure.kind), failure.type, failure.text, failure.task, "", 0,
                            failure.lost_inputs};
}

}  // namespace

std::vector<scheduler::Event> events_of(scheduler::ClientId client, FromClient&& batch) {
  std::vector<scheduler::Event> events;
  if (batch.hello) {
    events.emplace_back(scheduler::ClientJoined{client, std::move(*batch.hello)});
  } else {
    events.emplace_back(scheduler::ClientHeard{client});
  }
  for (auto& plan : batch.plans) {
    plan.client = client;
    events.emplace_back(std::move(plan));
  }
  for (auto& submit : batch.submits) {
    submit.client = client;
    events.emplace_back(std::move(submit));
  }
  for (const auto id : batch.cancels) events.emplace_back(scheduler::TaskCancelled{client, id});
  for (const auto id : batch.forgotten) events.emplace_back(scheduler::PlanForgotten{client, id});
  for (auto& freed : batch.freed) {
    freed.client = client;
    events.emplace_back(std::move(freed));
  }
  return events;
}

std::vector<scheduler::Event> events_of(scheduler::WorkerId worker, FromWorker&& batch) {
  std::vector<scheduler::Event> events;
  if (batch.hello) {
    batch.hello->worker = worker;
    events.emplace_back(std::move(*batch.hello));
  } else {
    events.emplace_back(scheduler::WorkerHeard{worker});
  }
  if (batch.leaving) events.emplace_back(scheduler::WorkerLeaving{worker});
  for (auto& [done, kept] : batch.done) {
    events.emplace_back(scheduler::TaskFinished{
        worker, scheduler::TaskId(static_cast<std::uint64_t>(done.task)), done.attempt,
        result_of(std::move(done.result)), done.thread, done.run, kept});
  }
  for (const auto& waits : batch.waits) {
    events.emplace_back(scheduler::TaskWaits{
        worker, scheduler::TaskId(static_cast<std::uint64_t>(waits.task)), waits.attempt, waits.waits});
  }
  for (const auto task : batch.returned) {
    events.emplace_back(
        scheduler::TaskReturned{worker, scheduler::TaskId(static_cast<std::uint64_t>(task))});
  }
  if (batch.status) events.emplace_back(scheduler::WorkerReported{worker, 1 << 20, 0.5});
  return events;
}

}  // namespace penstock::simulation
