#include "scheduler/core/pools.hpp"

#include <utility>

namespace penstock::scheduler {
namespace {

WorkerList* list_of(Pool& pool, Credit credit) {
  if (credit == Credit::kIdle) return &pool.idle;
  if (credit == Credit::kSpare) return &pool.spare;
  return nullptr;
}

// The first that fits.
Worker* first_of(const WorkerList& list, const Requirement& requirement) {
  Worker* worker = list.front();
  while (worker != nullptr && !requirement.fits(*worker)) worker = WorkerList::next(*worker);
  return worker;
}

}  // namespace

Worker* Pool::after(const Worker& worker) const {
  Worker* const next = WorkerList::next(worker);
  return next != nullptr || worker.credit == Credit::kSpare ? next : spare.front();
}

Worker* Requirement::choose_worker() {
  Worker* spare = nullptr;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const std::size_t at = (next_pool + i) % pools.size();
    if (Worker* idle = first_of(pools[at]->idle, *this)) {
      next_pool = at + 1;
      return idle;
    }
    if (spare == nullptr) spare = first_of(pools[at]->spare, *this);
  }
  ++next_pool;
  return spare;
}

Requirement& Pools::require(const Kit& kit) {
  auto& requirement = requirements_[kit];
  if (requirement == nullptr) {
    requirement = std::make_unique<Requirement>();
    requirement->kit = kit;
    for (const auto& [had, pool] : pools_) {
      if (meets(had, kit)) join(*pool, *requirement);
    }
  }
  ++requirement->references;
  return *requirement;
}

void Pools::release(Requirement& requirement) {
  PENSTOCK_CHECK(requirement.references > 0);
  if (--requirement.references > 0) return;
  PENSTOCK_CHECK(requirement.ring.empty());
  for (Pool* pool : requirement.pools) {
    std::erase(pool->requirements, &requirement);
    if (!requirement.kit.resources.empty()) --pool->picky;
  }
  const Kit key = std::move(requirement.kit);
  requirements_.erase(key);
}

void Pools::join(Pool& pool, Requirement& requirement) {
  requirement.pools.push_back(&pool);
  pool.requirements.push_back(&requirement);
  if (!requirement.kit.resources.empty()) ++pool.picky;
}

bool Pools::admit(Worker& worker, const std::vector<ModuleInfo>& modules) {
  const Kit kit{build_ids_of(modules), worker.resources};
  auto& pool = pools_[kit];
  const bool is_new = pool == nullptr;
  if (is_new) {
    pool = std::make_unique<Pool>();
    pool->kit = kit;
    pool->infos = modules;
    for (const auto& [needed, requirement] : requirements_) {
      if (meets(kit, needed)) join(*pool, *requirement);
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
  const Kit key = std::move(pool.kit);
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
