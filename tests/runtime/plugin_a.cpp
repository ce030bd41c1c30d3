#define PLUGIN_FACTOR 2
#include "tests/runtime/plugin.hpp"

extern "C" void plugin_stage(penstock::detail::StageSpec& out) {
  out = penstock::plugin::scale_stage();
}
