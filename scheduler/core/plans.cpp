#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {

void Core::State::on(PlanDefined& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  // The refused ones are kept for their texts, so the number of entries needs a bound as well.
  if (client->plans.contains(event.plan) || client->plans.size() >= options.max_plans) {
    ++statistics.counters.dropped_other;
    return;
  }
  ClientPlan& defined = client->plans[event.plan];
  defined.refusal = refusal_for(event);
  if (!defined.refusal.empty()) {
    log(Log::Level::kWarning,
        "a plan of client " + quoted(client->name) + " is refused: " + defined.refusal);
    return;
  }
  Plan& plan = plans.intern(event.definition, event.modules, event.resources);
  if (plan.requirement == nullptr) {
    plan.label = std::make_shared<const std::string>(std::move(event.label));
    plan.module_name = std::move(event.module_name);
    plan.requirement = &pools.require(plan.kit());
  }
  if (event.modules.empty()) client->keeps_values = true;  // its tasks bring values to workers
  ++plan.references;
  defined.plan = &plan;
  defined.lane = &lane_for(*client, *plan.requirement, event.priority);
}

void Core::State::on(PlanForgotten& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  const ClientPlan* const found = client->find_plan(event.plan);
  if (found == nullptr) {
    ++statistics.counters.dropped_other;
    return;
  }
  const ClientPlan forgotten = *found;
  client->erase_plan(event.plan);
  if (forgotten.plan == nullptr) return;
  release(*forgotten.lane);
  release(*forgotten.plan);
}

std::string Core::State::refusal_for(const PlanDefined& event) const {
  std::string refusal = refusal_of(event);
  if (!refusal.empty() || plans.contains(event.definition, event.modules, event.resources)) return refusal;
  if (plans.size() >= options.max_plans) {
    return "the scheduler has " + counted(plans.size(), "plan") +
           ", its limit; they stay while tasks need them, or futures of values that stay on workers: drop those that are not needed";
  }
  if (pools.requirement_count() >= options.max_module_sets &&
      !pools.has_requirement({make_module_set(event.modules), event.resources})) {
    return "the plans in the scheduler need " +
           counted(pools.requirement_count(), "different set") + " of modules and resources, its limit";
  }
  return "";
}

Lane& Core::State::lane_for(Client& client, Requirement& requirement, std::int32_t priority) {
  auto& lane = client.lanes[{&requirement, priority}];
  if (lane == nullptr) {
    lane = std::make_unique<Lane>();
    lane->client = &client;
    lane->requirement = &requirement;
    lane->priority = priority;
    ++requirement.references;
  }
  ++lane->references;
  return *lane;
}

void Core::State::release(Lane& lane) {
  PENSTOCK_CHECK(lane.references > 0);
  if (--lane.references > 0) return;
  PENSTOCK_CHECK(lane.waiting.empty() && !lane.wait);
  Requirement& requirement = *lane.requirement;
  lane.client->lanes.erase({&requirement, lane.priority});
  pools.release(requirement);
}

void Core::State::release(Plan& plan) {
  PENSTOCK_CHECK(plan.references > 0);
  if (--plan.references > 0) return;
  for (WorkerId holder : plan.holders) {
    workers.find(holder)->has_plan[plan.slot] = false;
    emit(SendForgetPlan{holder, plan.id});
  }
  Requirement& requirement = *plan.requirement;
  plans.erase(plan);
  pools.release(requirement);
}

}  // namespace penstock::scheduler
