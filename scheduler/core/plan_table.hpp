// The plans that clients defined. Equal ones are one plan, counted by who refers to it: definitions
// of clients and tasks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/kit.hpp"
#include "scheduler/core/timeline.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Requirement;

struct Plan {
  PlanId id{};
  std::uint32_t slot = 0;  // small and used again: index of Worker::has_plan
  std::string definition;
  std::vector<std::string> modules;  // as the client listed them, the first stage's first
  Resources resources;
  Timeline::Label label;
  std::string module_name;
  Requirement* requirement = nullptr;
  std::uint64_t references = 0;
  std::set<WorkerId> holders;  // workers that were sent it
  bool measured = false;
  Duration mean_run{};  // exponentially weighted, once measured
  std::uint64_t waiting = 0;
  std::uint64_t assigned = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;

  Kit kit() const { return {make_module_set(modules), resources}; }
  void measure(Duration run);
};

class PlanTable {
 public:
  // The plan with this definition and these needs, new (no references, no requirement) or old.
  Plan& intern(const std::string& definition, const std::vector<std::string>& modules, const Resources& resources);
  bool contains(const std::string& definition, const std::vector<std::string>& modules,
                const Resources& resources) const;

  // Nobody may refer to it any more.
  void erase(Plan& plan);

  std::size_t size() const { return plans_.size(); }
  std::vector<const Plan*> by_id() const;
  Plan& at_slot(std::size_t slot) { return *slots_[slot]; }

 private:
  using Key = std::pair<std::string, Kit>;

  std::uint32_t take_slot(Plan& plan);

  std::map<Key, std::unique_ptr<Plan>> plans_;
  std::vector<Plan*> slots_;  // null: free
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t made_ = 0;
};

}  // namespace penstock::scheduler
