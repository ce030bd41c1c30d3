// Between protocol messages and the client's own vocabulary.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "cluster.pb.h"
#include "penstock/detail/cell.hpp"
#include "penstock/detail/stage.hpp"
#include "penstock/task_options.hpp"

namespace penstock::client::wire {

// A plan as the scheduler wants to know it: the definition for the workers, and what it is to match.
enum class PlanForm {
  kUsual,
  kBatched,       // its tasks are batches
  kKeepsNothing,  // no value stays on a worker
};
v1::PlanDefinition definition_of(std::uint32_t number, const std::vector<detail::Stage>& stages,
                                 const TaskOptions& options, PlanForm form);

detail::Outcome outcome_of(v1::Outcome&& message, const absl::Cord& value);
// Of one of the tasks of a batch that ran for so long each.
detail::Outcome outcome_of(v1::TaskBatchResult::Item&& item, Duration run);
// A failure of a whole batch, as the outcome of one of its tasks.
detail::Outcome outcome_of(const v1::Failure& failure);

}  // namespace penstock::client::wire
