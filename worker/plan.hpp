// What a task runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

#include "proto/limits.hpp"
#include "worker/core/types.hpp"

namespace penstock::worker {

// Runs a plan on encoded input. Called by many threads at a time. May throw.
using PlanFunction = std::function<Result(std::string_view input)>;

struct RunnablePlan {
  PlanFunction run;
  bool keeps = true;  // large values stay on this worker, while there is room
  std::string last;   // the function whose value it is, for errors
  Duration timeout{};  // 0: none
  std::int32_t priority = 0;
};

inline Failure timed_out(const RunnablePlan& plan) {
  const double milliseconds = std::chrono::duration<double, std::milli>(plan.timeout).count();
  return Failure{FailureKind::kTimedOut, "", absl::StrCat("it ran for longer than ", milliseconds, " ms"), ""};
}

// In place of a value that has no other way than a message, where it does not fit in. `why` follows on "can travel".
inline Failure too_large_to_travel(std::size_t bytes, std::string_view why, const std::string& last) {
  return Failure{FailureKind::kRefused, "",
                 absl::StrCat("the result has ", bytes, " bytes; at most ", proto_limits::kMaxValueBytes,
                              " can travel", std::string(why), ": return less of it at a time"),
                 last};
}

}  // namespace penstock::worker
