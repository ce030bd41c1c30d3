#include "scheduler/core/wording.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace penstock::scheduler {
namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::size_t kLongestLabel = 1024;
constexpr std::size_t kLongestLastLines = 4096;
constexpr std::size_t kMostModules = 1000;
constexpr std::size_t kMostNamedTasks = 10'000;
constexpr std::size_t kMostThreads = 1024;
constexpr std::uint32_t kMostWeight = 1000;
constexpr std::size_t kMostModulesNamed = 20;
constexpr std::size_t kMostResources = 100;
constexpr std::int64_t kMostOfResource = 1'000'000'000'000'000'000;  // in thousandths

// The signals that end programs, by their Linux numbers (the same on all workers' machines).
constexpr std::array<std::pair<int, const char*>, 16> kSignals{{{1, "SIGHUP"},
                                                                {2, "SIGINT"},
                                                                {3, "SIGQUIT"},
                                                                {4, "SIGILL"},
                                                                {5, "SIGTRAP"},
                                                                {6, "SIGABRT"},
                                                                {7, "SIGBUS"},
                                                                {8, "SIGFPE"},
                                                                {9, "SIGKILL"},
                                                                {11, "SIGSEGV"},
                                                                {13, "SIGPIPE"},
                                                                {14, "SIGALRM"},
                                                                {15, "SIGTERM"},
                                                                {24, "SIGXCPU"},
                                                                {25, "SIGXFSZ"},
                                                                {31, "SIGSYS"}}};
constexpr int kIllegalInstruction = 4;

std::string signal_text(int signal) {
  std::string text = "signal " + std::to_string(signal);
  for (const auto& [number, name] : kSignals) {
    if (number == signal) text += std::string(" (") + name + ")";
  }
  return text;
}

std::string named_module(std::string_view name, std::string_view build_id) {
  return shortened(name, kLongestName) + " (build " + short_build(build_id) + ")";
}

// The name, of what stands for a module where a task is known by its name.
std::optional<std::string_view> task_name(std::string_view build_id) {
  constexpr std::string_view kNamed = "task:";
  if (!build_id.starts_with(kNamed)) return std::nullopt;
  return build_id.substr(kNamed.size());
}

// The first of them, and how many more there are.
std::string listed(const std::set<std::string>& names) {
  if (names.empty()) return "none";
  std::string text;
  std::size_t named = 0;
  for (const std::string& name : names) {
    if (named == kMostModulesNamed) {
      return text + " and " + std::to_string(names.size() - named) + " more";
    }
    text += (named++ == 0 ? "" : ", ") + name;
  }
  return text;
}

std::string modules_on_workers(const Pools& pools) {
  std::set<std::string> modules;
  pools.for_each_pool([&](const Pool& pool) {
    for (const ModuleInfo& module : pool.infos) {
      if (module.tasks > 0 && !task_name(module.build_id)) {
        modules.insert(named_module(module.name, module.build_id));
      }
    }
  });
  return listed(modules);
}

// Named tasks of the plan that no worker has; empty when there are none of them.
std::string missing_task_text(const Plan& plan, const Pools& pools) {
  std::set<std::string> there;
  pools.for_each_pool([&](const Pool& pool) {
    for (const ModuleInfo& module : pool.infos) {
      if (const auto name = task_name(module.build_id)) there.insert(shortened(*name, kLongestName));
    }
  });
  for (const std::string& module : plan.modules) {
    const auto name = task_name(module);
    if (!name || there.contains(std::string(*name))) continue;
    return "no task named " + quoted(*name) + " on the workers. Named tasks there: " + listed(there) +
           ". Give workers the library that has it with --load.";
  }
  return "";
}

bool is_bad_name(std::string_view name) { return name.empty() || name.size() > kLongestName; }

// Empty when there is nothing wrong with them.
std::string refusal_of(const Resources& resources, std::string_view whose) {
  if (resources.size() > kMostResources) return std::string(whose) + " may have at most 100 resources";
  for (const auto& [name, amount] : resources) {
    if (is_bad_name(name)) return "names of resources must have 1 to 256 bytes";
    if (amount <= 0 || amount > kMostOfResource) {
      return "the amount of the resource " + quoted(name) + " must be more than 0, and less than 10^15";
    }
  }
  return "";
}

bool is_bad_module(const ModuleInfo& module) {
  return is_bad_name(module.build_id) || module.name.size() > kLongestName;
}

}  // namespace

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return std::string(text.substr(0, limit)) + "...";
}

std::string last_part(std::string_view text) {
  if (text.size() <= kLongestLastLines) return std::string(text);
  std::size_t begin = text.size() - kLongestLastLines;
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) ++begin;
  return "..." + std::string(text.substr(begin));
}

std::string quoted(std::string_view name) {
  std::string text = "'" + shortened(name, kLongestName) + "'";
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string short_build(std::string_view build_id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned char byte : build_id.substr(0, 6)) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string cause_of_death(const WorkerExited* report) {
  if (report == nullptr) return "connection lost";
  if (report->signal == 0) return "exit code " + std::to_string(report->exit_code);
  return signal_text(report->signal);
}

std::string worker_lost_text(std::string_view worker, const Plan& plan, bool was_running,
                             std::uint32_t deaths_before, const WorkerExited* report) {
  std::string text = "worker " + std::string(worker) + " died" + (was_running ? " while running " : ", which had ") +
                     *plan.label;
  if (was_running && deaths_before > 0) text += ", as did " + std::to_string(deaths_before) + " before it";
  text += ": " + cause_of_death(report);
  if (report == nullptr) return text;
  if (report->signal == kIllegalInstruction) text += "; was it built for a newer CPU?";
  if (!report->last_lines.empty()) {
    text += "\nits last lines:\n" + report->last_lines;
  }
  return text;
}

std::string code_not_available_text(const Plan& plan, const Pools& pools) {
  if (std::string missing = missing_task_text(plan, pools); !missing.empty()) return missing;
  std::string text = "code not available: " + *plan.label + " belongs to " +
                     named_module(plan.module_name, plan.modules.front());
  if (plan.modules.size() == 1) {
    text += ", which no worker has.";
  } else {
    text += " and needs the builds";
    for (std::size_t i = 1; i < plan.modules.size() && i <= kMostModulesNamed; ++i) {
      text += (i == 1 ? " " : ", ") + short_build(plan.modules[i]);
    }
    text += " as well, which no worker has all together.";
  }
  return text + " Modules with tasks on the workers: " + modules_on_workers(pools) +
         ". Start the workers with this build of the program (--app), or load its library there (--load).";
}

WhyNobody why_nobody(const Plan& plan, const Pools& pools) {
  const ModuleSet modules = make_module_set(plan.modules);
  std::set<std::string> there;  // of the workers that have the code
  pools.for_each_pool([&](const Pool& pool) {
    if (has_all(pool.kit.modules, modules)) there.insert(in_words(pool.kit.resources));
  });
  if (there.empty()) return {FailureKind::kCodeNotAvailable, code_not_available_text(plan, pools)};
  return {FailureKind::kNoWorker, "no worker that could run it has " + in_words(plan.resources) +
                                      ". Resources of those that have its code: " + listed(there) +
                                      ". Start one with --resources."};
}

std::string no_worker_text(std::string_view last_end, std::string_view advice) {
  std::string text = "no worker is connected to the scheduler";
  if (!last_end.empty()) text += " (the last one, " + std::string(last_end) + ")";
  return text + "; " + std::string(advice);
}

std::string no_such_worker_text(std::string_view name) {
  return "it is for worker " + quoted(name) + " only, and no such worker is connected to the scheduler, or it is leaving: list_workers() tells who is there";
}

std::string pinned_with_resources_text() {
  return "a task for one worker only cannot take resources: they choose among workers";
}

std::string too_many_pinned_text(std::string_view worker, std::size_t tasks) {
  return "it is for worker " + quoted(worker) + " only, which has " + counted(tasks, "task") +
         " waiting already: submit it when some of them are done";
}

std::string unknown_plan_text(std::uint32_t plan) {
  return "plan " + std::to_string(plan) + " is not defined in this session; define it first";
}

std::string too_many_tasks_text(std::size_t limit) {
  return "this client has " + std::to_string(limit) +
         " unfinished tasks, the most the scheduler keeps for one; wait for outcomes before "
         "submitting more, or use a smaller window";
}

std::string refusal_of(const ClientJoined& joined) {
  if (is_bad_name(joined.name)) return "the client's name must have 1 to 256 bytes";
  if (joined.weight == 0 || joined.weight > kMostWeight) {
    return "the client's weight must be 1 to 1000, not " + std::to_string(joined.weight);
  }
  return "";
}

std::string refusal_of(const WorkerJoined& joined) {
  if (is_bad_name(joined.name)) return "the worker's name must have 1 to 256 bytes";
  if (joined.threads == 0 || joined.threads > kMostThreads) {
    return "a worker must have 1 to 1024 threads, not " + std::to_string(joined.threads);
  }
  const auto named = static_cast<std::size_t>(
      std::count_if(joined.modules.begin(), joined.modules.end(),
                    [](const ModuleInfo& module) { return task_name(module.build_id).has_value(); }));
  if (joined.modules.size() - named > kMostModules) {
    return "a worker may have at most 1000 modules, not " + std::to_string(joined.modules.size() - named);
  }
  if (named > kMostNamedTasks) {
    return "a worker may have at most 10000 named tasks, not " + std::to_string(named);
  }
  if (std::any_of(joined.modules.begin(), joined.modules.end(), is_bad_module)) {
    return "build-ids must have 1 to 256 bytes and names of modules at most 256";
  }
  if (joined.resource_group.size() > kLongestName) return "names of groups must have at most 256 bytes";
  return refusal_of(joined.resources, "a worker");
}

std::string refusal_of_name(std::string_view name, std::string_view signature) {
  if (is_bad_name(name)) return "the name of a published value must have 1 to 256 bytes";
  if (signature.size() > kLongestLabel) return "signatures of published values may have at most 1024 bytes";
  return "";
}

std::string named(const ProgramOffer& offer) { return named_module(offer.name, offer.build_id); }

std::string refusal_of(const HostReported& reported) {
  if (is_bad_name(reported.name)) return "a host's name must have 1 to 256 bytes";
  if (reported.max_programs == 0) return "a host must accept at least one program";
  return "";
}

std::string refusal_of(const ProgramOffer& offer, std::uint64_t max_bytes) {
  constexpr std::size_t kSha256Bytes = 32;
  if (offer.sha256.size() != kSha256Bytes) return "its SHA-256 has not 32 bytes";
  if (is_bad_name(offer.build_id)) return "its build-id has not 1 to 256 bytes";
  if (is_bad_name(offer.name)) return "its name has not 1 to 256 bytes";
  if (offer.size == 0) return "it is empty";
  if (offer.size > max_bytes) {
    return "it has " + std::to_string(offer.size) + " bytes, and the scheduler takes at most " +
           std::to_string(max_bytes) + " (--max-program-bytes)";
  }
  return "";
}

std::string refusal_of(const PlanDefined& defined) {
  const auto& modules = defined.modules;
  if (modules.size() > kMostModules) return "the plan needs more than 1000 modules";
  if (std::any_of(modules.begin(), modules.end(), is_bad_name)) {
    return "the build-ids of a plan's modules must have 1 to 256 bytes";
  }
  if (defined.label.size() > kLongestLabel || defined.module_name.size() > kLongestLabel) {
    return "labels and module names of plans may have at most 1024 bytes";
  }
  return refusal_of(defined.resources, "a task");
}

}  // namespace penstock::scheduler
