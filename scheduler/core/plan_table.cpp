#include "scheduler/core/plan_table.hpp"

#include <algorithm>

#include <penstock/detail/check.hpp>

namespace penstock::scheduler {

void Plan::measure(Duration run) {
  mean_run = measured ? mean_run + (run - mean_run) / 8 : run;
  measured = true;
}

Plan& PlanTable::intern(const std::string& definition, const std::vector<std::string>& modules,
                        const Resources& resources) {
  auto& plan = plans_[Key{definition, {make_module_set(modules), resources}}];
  if (plan == nullptr) {
    plan = std::make_unique<Plan>();
    plan->id = PlanId{++made_};
    plan->slot = take_slot(*plan);
    plan->definition = definition;
    plan->modules = modules;
    plan->resources = resources;
  }
  return *plan;
}

bool PlanTable::contains(const std::string& definition,
                         const std::vector<std::string>& modules, const Resources& resources) const {
  return plans_.contains(Key{definition, {make_module_set(modules), resources}});
}

void PlanTable::erase(Plan& plan) {
  PENSTOCK_CHECK(plan.references == 0);
  slots_[plan.slot] = nullptr;
  free_slots_.push_back(plan.slot);
  const Key key{plan.definition, plan.kit()};
  PENSTOCK_CHECK(plans_.erase(key) == 1);
}

std::vector<const Plan*> PlanTable::by_id() const {
  std::vector<const Plan*> result;
  for (const auto& [key, plan] : plans_) result.push_back(plan.get());
  std::sort(result.begin(), result.end(),
            [](const Plan* a, const Plan* b) { return a->id < b->id; });
  return result;
}

std::uint32_t PlanTable::take_slot(Plan& plan) {
  if (free_slots_.empty()) {
    slots_.push_back(&plan);
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = &plan;
  return slot;
}

}  // namespace penstock::scheduler
