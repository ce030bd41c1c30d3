#include "tests/runtime/same_name.hpp"

namespace penstock::same_name {

static int change(int x) { return x + 1; }

namespace {
struct Change {
  int operator()(int x) const { return x + 10; }
};
}  // namespace

void never_called() { detail::map_stage<long>(NeverRun()); }

detail::StageSpec function_of_file_a() { return detail::map_stage<int>(change); }
detail::StageSpec functor_of_file_a() { return detail::map_stage<int>(Change()); }
detail::StageSpec inline_stage_of_file_a() { return inline_stage(); }

}  // namespace penstock::same_name
