#include "scheduler/core/pools.hpp"

#include <utility>

namespace penstock::scheduler {
namespace {

WorkerList* list_of(Pool& pool, Credit credit) {
  if (credit == Credit::kIdle) return &pool.idle;
  if (credit == Credit::kSpare) return &pool.spare;
  return nullptr;
}

}  // namespace

Worker* Requirement::choose_worker() {
  Worker* spare = nullptr;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const std::size_t at = (next_pool + i) % pools.size();
    if (Worker* idle = pools[at]->idle.front()) {
      next_pool = at + 1;
      return idle;
    }
    if (spare == nullptr) spare = pools[at]->spare.front();
  }
  ++next_pool;
  return spare;
}

Requirement& Pools::require(const ModuleSet& modules) {
  auto& requirement = requirements_[modules];
  if (requirement == nullptr) {
    requirement = std::make_unique<Requirement>();
    requirement->modules = modules;
    for (const auto& [had, pool] : pools_) {
      if (!has_all(had, modules)) continue;
      requirement->pools.push_back(pool.get());
      pool->requirements.push_back(requirement.get());
    }
  }
  ++requirement->references;
  return *requirement;
}

void Pools::release(Requirement& requirement) {
  PENSTOCK_CHECK(requirement.references > 0);
  if (--requirement.references > 0) return;
  PENSTOCK_CHECK(requirement.ring.empty());
  for (Pool* pool : requirement.pools) std::erase(pool->requirements, &requirement);
  const ModuleSet key = std::move(requirement.modules);
  requirements_.erase(key);
}

bool Pools::admit(Worker& worker, const std::vector<ModuleInfo>& modules) {
  auto& pool = pools_[build_ids_of(modules)];
  const bool is_new = pool == nullptr;
  if (is_new) {
    pool = std::make_unique<Pool>();
    pool->modules = build_ids_of(modules);
    pool->infos = modules;
    for (const auto& [needed, requirement] : requirements_) {
      if (!has_all(pool->modules, needed)) continue;
      pool->requirements.push_back(requirement.get());
      requirement->pools.push_back(pool.get());
    }
  }
  ++pool->workers;
  ++workers_;
  worker.pool = pool.get();
  worker.credit = Credit::kNone;
  return is_new;
}

bool Pools::withdraw(Worker& worker) {
  Pool& pool = *worker.pool;
  set_credit(worker, Credit::kNone);
  worker.pool = nullptr;
  --workers_;
  if (--pool.workers > 0) return false;
  for (Requirement* requirement : pool.requirements) std::erase(requirement->pools, &pool);
  const ModuleSet key = std::move(pool.modules);
  pools_.erase(key);
  return true;
}

void set_credit(Worker& worker, Credit credit) {
  WorkerList* const to = list_of(*worker.pool, credit);
  if (credit == worker.credit) {
    if (to != nullptr) to->move_to_back(worker);
    return;
  }
  if (WorkerList* from = list_of(*worker.pool, worker.credit)) from->erase(worker);
  if (to != nullptr) to->push_back(worker);
  worker.credit = credit;
}

ModuleSet build_ids_of(const std::vector<ModuleInfo>& modules) {
  std::vector<std::string> build_ids;
  for (const ModuleInfo& module : modules) build_ids.push_back(module.build_id);
  return make_module_set(std::move(build_ids));
}

}  // namespace penstock::scheduler
