// Two files that each have a static function and an unnamed-namespace functor of the same names.
#pragma once

#include "penstock/task.hpp"

namespace penstock::same_name {

detail::StageSpec function_of_file_a();
detail::StageSpec functor_of_file_a();
detail::StageSpec function_of_file_b();
detail::StageSpec functor_of_file_b();

// Its stage is made in never_called() of file a, and nowhere else.
struct NeverRun {
  long operator()(long x) const { return x + 1; }
};
void never_called();

// An inline function with a lambda, included by both: one task.
inline detail::StageSpec inline_stage() {
  return detail::map_stage<int>([](int x) { return x + 7; });
}
detail::StageSpec inline_stage_of_file_a();
detail::StageSpec inline_stage_of_file_b();

}  // namespace penstock::same_name
