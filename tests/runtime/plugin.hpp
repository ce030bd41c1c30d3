// A plug-in in two versions: the same names, the same inline lambda, other results.
#pragma once

#include "penstock/task.hpp"

namespace penstock::plugin {

inline detail::StageSpec scale_stage() {
  return detail::map_stage<int>([](int x) { return x * PLUGIN_FACTOR; });
}

}  // namespace penstock::plugin

// The one function that a test looks up.
extern "C" __attribute__((visibility("default"))) void plugin_stage(
    penstock::detail::StageSpec& out);
