// Between protocol messages and the client's own vocabulary.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "cluster.pb.h"
#include "penstock/detail/cell.hpp"
#include "penstock/detail/stage.hpp"

namespace penstock::client::wire {

// A plan as the scheduler wants to know it: the definition for the workers, and what it is to match.
v1::PlanDefinition definition_of(std::uint32_t number, const std::vector<detail::Stage>& stages);

detail::Outcome outcome_of(v1::Outcome&& message, const absl::Cord& value);

}  // namespace penstock::client::wire
