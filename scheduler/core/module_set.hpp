// A set of modules by their build-ids: what a worker has, or what a plan needs.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

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

}  // namespace penstock::scheduler
