#include "tests/runtime/same_name.hpp"

namespace penstock::same_name {

static int change(int x) { return x + 2; }

namespace {
struct Change {
  int operator()(int x) const { return x + 20; }
};
}  // namespace

detail::StageSpec function_of_file_b() { return detail::map_stage<int>(change); }
detail::StageSpec functor_of_file_b() { return detail::map_stage<int>(Change()); }
detail::StageSpec inline_stage_of_file_b() { return inline_stage(); }

}  // namespace penstock::same_name
