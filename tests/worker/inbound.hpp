// What a scheduler sends, as the driver sees it. For tests of the driver and of the executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "worker/driver.hpp"

namespace penstock::worker {

inline constexpr std::chrono::seconds kPatience{20};

inline std::shared_ptr<const RunnablePlan> plan(PlanFunction function, bool keeps = true) {
  return std::make_shared<const RunnablePlan>(RunnablePlan{std::move(function), keeps, "last"});
}

inline std::shared_ptr<const RunnablePlan> echo() {
  return plan([](std::string_view input) -> Result { return std::string(input); });
}

inline Inbound tasks(std::uint64_t first, std::uint64_t count, const std::string& input = "x") {
  Inbound inbound;
  for (std::uint64_t id = first; id < first + count; ++id) {
    inbound.tasks.push_back({TaskId{id}, 1, PlanId{1}, absl::Cord(input), absl::Cord(), ClientId{1}});
  }
  return inbound;
}

inline Inbound definition(std::shared_ptr<const RunnablePlan> runnable) {
  Inbound inbound;
  inbound.plans.push_back({PlanId{1}, std::move(runnable)});
  return inbound;
}

}  // namespace penstock::worker
