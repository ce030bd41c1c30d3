// How much work a worker is given ahead. About `prefetch` of work per thread waits at a worker, so
// that short tasks stream and long ones are never stuck behind a neighbour. Less than the few
// milliseconds for which an operating system takes a busy core away would leave workers without tasks:
//
//   a plan's mean run time       tasks per thread, at most
//   unknown, or prefetch and up  1
//   prefetch / 2 and up          2: the next one is there when the first ends
//   less                         prefetch / mean, at most 1 + max_prefetch
#pragma once

#include "scheduler/core/plan_table.hpp"
#include "scheduler/core/types.hpp"
#include "scheduler/core/worker.hpp"

namespace penstock::scheduler {

// What a task of this plan adds to the outstanding work of its worker.
Duration charge_of(const CoreOptions& options, const Plan& plan);

Credit credit_of(const CoreOptions& options, const Worker& worker);

}  // namespace penstock::scheduler
