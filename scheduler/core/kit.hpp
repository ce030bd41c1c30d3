// What a worker has, or what a plan needs: modules, by their build-ids, and resources.
#pragma once

#include <algorithm>
#include <compare>
#include <string>
#include <vector>

#include "scheduler/core/resources.hpp"

namespace penstock::scheduler {

using ModuleSet = std::vector<std::string>;  // sorted, no duplicates

inline ModuleSet make_module_set(std::vector<std::string> build_ids) {
  std::sort(build_ids.begin(), build_ids.end());
  build_ids.erase(std::unique(build_ids.begin(), build_ids.end()), build_ids.end());
  return build_ids;
}

inline bool has_all(const ModuleSet& had, const ModuleSet& needed) {
  return std::includes(had.begin(), had.end(), needed.begin(), needed.end());
}

struct Kit {
  ModuleSet modules;
  Resources resources;

  friend auto operator<=>(const Kit&, const Kit&) = default;
};

// Whether a worker that has the one could run what needs the other.
inline bool meets(const Kit& had, const Kit& needed) {
  return has_all(had.modules, needed.modules) && covers(had.resources, needed.resources);
}

}  // namespace penstock::scheduler
