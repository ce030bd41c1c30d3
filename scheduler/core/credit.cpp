#include "scheduler/core/credit.hpp"

#include <algorithm>

namespace penstock::scheduler {

Duration charge_of(const CoreOptions& options, const Plan& plan) {
  // A charge is never more than one thread's budget, so that a long task closes its own thread and
  // leaves the budgets of the others alone. Half a budget makes room for exactly one more.
  if (!plan.measured || plan.mean_run >= options.prefetch) return options.prefetch;
  return std::min(plan.mean_run, (options.prefetch + Duration{1}) / 2);
}

Credit credit_of(const CoreOptions& options, const Worker& worker) {
  const std::size_t assigned = worker.assigned.size() - worker.waiting;
  if (assigned < worker.threads) return Credit::kIdle;
  const bool room = worker.outstanding < worker.threads * options.prefetch &&
                    assigned < worker.threads * (1 + options.max_prefetch);
  return room ? Credit::kSpare : Credit::kNone;
}

}  // namespace penstock::scheduler
