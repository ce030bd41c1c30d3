// The session's plans: what its tasks run, and how.
#include <algorithm>
#include <limits>
#include <utility>

#include "client/session.hpp"
#include "client/session_plan.hpp"
#include "penstock/detail/task_host.hpp"
#include "penstock/error.hpp"
#include "proto/resources.hpp"

namespace penstock::client {
namespace {

// Plans of calls that are kept although no task has them: what they have learned of their tasks.
constexpr std::size_t kLastCallPlans = 256;

}  // namespace

detail::PlanPtr Session::make_plan(std::vector<detail::Stage> stages, TaskOptions options) {
  if (options.timeout < Duration::zero() || options.pause < Duration::zero()) {
    throw Error("TaskOptions: timeout and pause must not be negative");
  }
  if (const auto resources = proto_resources::parse(options.resources); !resources.ok()) {
    throw Error("TaskOptions::resources: " + std::string(resources.status().message()));
  }
  if (!options.worker.empty() && !options.resources.empty()) {
    throw Error("TaskOptions: `worker` names the only worker that may run the task, so `resources` cannot choose one: "
                "give one of the two");
  }
  std::uint32_t number;
  {
    std::lock_guard lock(mutex_);
    number = last_plan_ + 1;
    last_plan_ += 3;
  }
  return std::make_shared<RegisteredPlan>(weak_from_this(), number, std::move(stages), options);
}

// What a task submits runs ahead of what is less deep, or ever more tasks would wait for others.
detail::PlanPtr Session::call_plan(const CallView& call, absl::FunctionRef<detail::Stage()> stage) {
  const detail::TaskPlace& place = detail::task_place();
  constexpr int kMost = std::numeric_limits<int>::max();
  if (place.host == nullptr || place.priority == kMost || call.options.priority > place.priority) {
    return known_call_plan(call, stage);
  }
  TaskOptions deeper = call.options;
  deeper.priority = place.priority + 1;
  return known_call_plan({call.entry, call.constants, deeper}, stage);
}

detail::PlanPtr Session::known_call_plan(const CallView& call, absl::FunctionRef<detail::Stage()> stage) {
  detail::PlanPtr oldest;  // goes after the lock
  std::lock_guard lock(call_plans_mutex_);
  auto known = call_plans_.find(call);
  detail::PlanPtr plan = known != call_plans_.end() ? known->second.plan.lock() : nullptr;
  if (!plan) {
    if (call_plans_.size() >= sweep_call_plans_at_) {
      std::erase_if(call_plans_, [](const auto& one) { return one.second.plan.expired(); });
      sweep_call_plans_at_ = std::max<std::size_t>(1024, 2 * call_plans_.size());
    }
    plan = make_plan({stage()}, call.options);
    known = call_plans_.try_emplace(CallKey{call.entry, std::string(call.constants), call.options}).first;
    known->second.plan = plan;
  }
  CallPlan& used = known->second;
  if (used.kept) {
    last_call_plans_.splice(last_call_plans_.end(), last_call_plans_, used.place);
    return plan;
  }
  used.kept = plan;
  used.place = last_call_plans_.insert(last_call_plans_.end(), known);
  if (last_call_plans_.size() > kLastCallPlans) {
    oldest = std::move(last_call_plans_.front()->second.kept);
    last_call_plans_.pop_front();
  }
  return plan;
}

detail::PlanPtr Session::call_plan(const detail::TaskEntry& entry, const std::string& constants,
                                   const TaskOptions& options) {
  return call_plan({&entry, constants, options}, [&] {
    auto stage = detail::make_stage(entry, constants);
    if (!stage.ok()) throw Error(std::string(stage.status().message()));
    return *std::move(stage);
  });
}

detail::PlanPtr Session::call_plan(const detail::Stage& named, const TaskOptions& options) {
  const std::string name = named.function + named.signature;
  return call_plan({nullptr, name, options}, [&] { return named; });
}

void Session::forget(const RegisteredPlan& plan) {
  std::lock_guard lock(mutex_);
  for (const auto number : {plan.definition.plan(), plan.batched.plan(), plan.keeping_nothing.plan()}) {
    if (plans_sent_.erase(number) != 0) to_forget_.push_back(number);
  }
}

}  // namespace penstock::client
