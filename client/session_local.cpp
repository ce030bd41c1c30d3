// The session's short tasks that this program runs itself: TaskOptions::local_when_short.
#include <algorithm>
#include <string>
#include <utility>

#include "client/callback_thread.hpp"
#include "client/log.hpp"
#include "client/session.hpp"
#include "client/session_plan.hpp"

namespace penstock::client {

// Its tasks have proved to be short. Without the lock: what it decodes may be the user's.
void Session::consider_local_run(const RegisteredPlan& plan, Duration typical_run) {
  const TaskOptions& options = plan.options();
  const std::string& label = plan.definition.label();
  const auto run = typical_run.count();
  if (!options.local_when_short || options.timeout > Duration::zero() || !options.worker.empty() ||
      !options.resources.empty()) {
    return log().info("{} runs for {} ns, less than it takes to send it: it would be faster in the program itself, in "
                      "front of scatter(), behind gather(), or with TaskOptions::local_when_short",
                      label, run);
  }
  const auto refers = [](const detail::Stage& stage) { return !stage.uses.empty(); };  // to what workers have
  if (std::any_of(plan.stages().begin(), plan.stages().end(), refers)) return;
  if (!plan.bound) {
    auto bound = detail::BoundPlan::bind(plan.stages());
    if (!bound.ok()) {
      return log().info("{} runs for {} ns, less than it takes to send it, but cannot run in this program: {}", label,
                        run, std::string(bound.status().message()));
    }
    plan.bound = *std::move(bound);
  }
  log().info("{} runs for {} ns, less than it takes to send it: this program runs it itself from now on", label, run);
  plan.local.start();
}

// Null: it is to be sent. As everything is that follows from an outcome: its thread reads the others.
detail::CellPtr Session::run_here(const RegisteredPlan& plan, const detail::Encoded& input) {
  if (CallbackThread::here() || !input.kept.empty() || !input.uses.empty() || has_ended()) return nullptr;
  detail::Outcome outcome;
  const auto begin = Clock::now();
  const bool failed = plan.bound->run(input.bytes, outcome.value).has_value();
  outcome.run = Clock::now() - begin;
  // When half of them fail here, it is no place for them.
  if (plan.local.observe(failed ? outcome.run + 2 * LocalRun::kLong : outcome.run)) {
    log().info("{} runs for longer than before, or fails here: workers run it again", plan.definition.label());
    std::lock_guard lock(mutex_);
    plan.batching.were_not_short();
  }
  return failed ? nullptr : std::make_shared<detail::Cell>(std::move(outcome));
}

}  // namespace penstock::client
