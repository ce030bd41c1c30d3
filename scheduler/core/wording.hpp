// What the core tells people: reasons of failures and refusals, lines for the log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "scheduler/core/client.hpp"
#include "scheduler/core/event.hpp"
#include "scheduler/core/plan_table.hpp"
#include "scheduler/core/pools.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

// Of what comes from outside, in texts.
inline constexpr std::size_t kLongestReason = 4096;
inline constexpr std::size_t kMostHostsNamed = 3;

// At most `limit` bytes and an ellipsis, never cut inside a UTF-8 character.
std::string shortened(std::string_view text, std::size_t limit);

// At most the last 4096 bytes, with an ellipsis: the end of a dead worker's output tells most.
std::string last_part(std::string_view text);

// In single quotes, shortened, without control characters: names come from outside.
std::string quoted(std::string_view name);

// The first 12 hexadecimal digits of a build-id.
std::string short_build(std::string_view build_id);

std::string counted(std::size_t count, std::string_view noun);  // "1 task", "2 tasks"

// "signal 11 (SIGSEGV)", "exit code 3", or "connection lost" without a report.
std::string cause_of_death(const WorkerExited* report);
// Whether the task was running there, as far as is known; and how many workers had died before while it did.
std::string worker_lost_text(std::string_view worker, const Plan& plan, bool was_running, std::uint32_t deaths_before,
                             const WorkerExited* report);
std::string code_not_available_text(const Plan& plan, const Pools& pools);
// Why none of the workers that there are can run the plan's tasks.
struct WhyNobody {
  FailureKind kind;
  std::string text;
};
WhyNobody why_nobody(const Plan& plan, const Pools& pools);
// `last_end` is what became of the last worker, as in "'w' died: exit code 1"; empty when there was none.
std::string no_worker_text(std::string_view last_end, std::string_view advice);
std::string no_such_worker_text(std::string_view name);
std::string pinned_with_resources_text();
std::string too_many_pinned_text(std::string_view worker, std::size_t tasks);
std::string unknown_plan_text(std::uint32_t plan);
std::string too_many_tasks_text(std::size_t limit);

// "app (build 0123456789ab)"
std::string named(const ProgramOffer& offer);

// Why it may not join; empty when it may. Limits on numbers and names only.
std::string refusal_of(const ClientJoined& joined);
std::string refusal_of(const WorkerJoined& joined);
// The same of a published value.
std::string refusal_of_name(std::string_view name, std::string_view signature);
std::string refusal_of(const HostReported& reported);
// Why the program cannot be taken; empty when it can.
std::string refusal_of(const ProgramOffer& offer, std::uint64_t max_bytes);
// Why the plan cannot be taken, whatever else there is; empty when it can.
std::string refusal_of(const PlanDefined& defined);

}  // namespace penstock::scheduler
