// Who can run what. Workers with the same modules and resources form a pool; the modules and resources that plans
// need are requirements; each knows the others it fits, so that the choice of a worker or of a lane looks at
// kinds of workers and tasks, never at all of them. Only for tasks that need resources it looks at all workers with
// room, as what is free differs from one to the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "scheduler/core/lane.hpp"
#include "scheduler/core/kit.hpp"
#include "scheduler/core/worker.hpp"

namespace penstock::scheduler {

struct Requirement;

struct Pool {
  Kit kit;
  std::vector<ModuleInfo> infos;           // of the worker that founded it
  std::size_t workers = 0;                 // that take work
  WorkerList idle;                         // those with Credit::kIdle, the longest waiting first
  WorkerList spare;                        // those with Credit::kSpare
  std::vector<Requirement*> requirements;  // that it meets

  std::size_t picky = 0;                   // those of them that need resources

  // A worker with room, idle ones first; null when there is none.
  Worker* first() const { return idle.empty() ? spare.front() : idle.front(); }
  // The next one of them after this one.
  Worker* after(const Worker& worker) const;
};

struct Requirement {
  Kit kit;
  std::uint64_t references = 0;  // plans and lanes
  LaneRing ring;                 // lanes with waiting tasks; while there are any, no worker with room fits
  std::vector<Pool*> pools;      // that meet it
  std::size_t next_pool = 0;     // where the next choice begins

  // A worker with room in any pool that fits, idle ones first, pools in turn; null when there is none.
  Worker* choose_worker();
  // Whether the worker has enough of the resources free.
  bool fits(const Worker& worker) const { return kit.resources.empty() || covers(worker.stock->free, kit.resources); }
};

class Pools {
 public:
  // The requirement for these, with one reference more.
  Requirement& require(const Kit& kit);
  void release(Requirement& requirement);
  bool has_requirement(const Kit& kit) const { return requirements_.contains(kit); }
  std::size_t requirement_count() const { return requirements_.size(); }

  // Puts the worker into the pool of these modules and its resources, without credit. True when the pool is new.
  bool admit(Worker& worker, const std::vector<ModuleInfo>& modules);
  // Takes it out again. True when the pool ended with it.
  bool withdraw(Worker& worker);
  bool has_pool(const Kit& kit) const { return pools_.contains(kit); }
  std::size_t pool_count() const { return pools_.size(); }

  // Workers in all pools.
  std::size_t workers() const { return workers_; }

  // In an order that depends on nothing but their kits.
  template <typename Visitor>
  void for_each_pool(Visitor&& visit) const {
    for (const auto& [kit, pool] : pools_) visit(*pool);
  }
  template <typename Visitor>
  void for_each_requirement(Visitor&& visit) const {
    for (const auto& [kit, requirement] : requirements_) visit(*requirement);
  }

 private:
  void join(Pool& pool, Requirement& requirement);

  std::map<Kit, std::unique_ptr<Pool>> pools_;
  std::map<Kit, std::unique_ptr<Requirement>> requirements_;
  std::size_t workers_ = 0;
};

// Moves the worker to the list of this credit; to its end when it is there already.
void set_credit(Worker& worker, Credit credit);

ModuleSet build_ids_of(const std::vector<ModuleInfo>& modules);

}  // namespace penstock::scheduler
