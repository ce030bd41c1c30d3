// Runs stages as a worker would: made, bound and called with encoded input.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "penstock/task.hpp"

namespace penstock::detail {

inline Stage stage_of(const StageSpec& spec) {
  absl::StatusOr<Stage> stage = make_stage(*spec.entry, spec.constants);
  EXPECT_TRUE(stage.ok()) << stage.status();
  return stage.ok() ? *std::move(stage) : Stage();
}

inline BoundPlan plan_of(const std::vector<Stage>& stages) {
  absl::StatusOr<BoundPlan> plan = BoundPlan::bind(stages);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *std::move(plan) : BoundPlan();
}

inline absl::Status bind_status(const std::vector<Stage>& stages) {
  return BoundPlan::bind(stages).status();
}

template <class T>
std::string bytes_of(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

template <class T>
T value_of(std::string_view bytes) {
  T value{};
  const absl::Status status = decode(bytes, value);
  EXPECT_TRUE(status.ok()) << status;
  return value;
}

inline std::string run(const BoundPlan& plan, std::string_view input) {
  std::string output;
  const std::optional<TaskFailure> failure = plan.run(input, output);
  EXPECT_FALSE(failure.has_value()) << failure->function << ": " << failure->text;
  return output;
}

template <class Result, class T>
Result run_stage(const StageSpec& spec, const T& value) {
  return value_of<Result>(run(plan_of({stage_of(spec)}), bytes_of(value)));
}

template <class Result>
Result run_call(const CallSpec& spec) {
  return value_of<Result>(run(plan_of({stage_of({spec.entry, spec.constants})}), spec.input));
}

}  // namespace penstock::detail
