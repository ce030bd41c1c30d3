#include "worker/environment.hpp"

#include <charconv>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace penstock::worker {
namespace {

constexpr const char* kScheduler = "PENSTOCK_SCHEDULER";
constexpr const char* kName = "PENSTOCK_WORKER_NAME";
constexpr const char* kThreads = "PENSTOCK_WORKER_THREADS";
constexpr const char* kMemoryLimit = "PENSTOCK_WORKER_MEMORY_LIMIT";
constexpr const char* kResources = "PENSTOCK_WORKER_RESOURCES";
constexpr const char* kResourceGroup = "PENSTOCK_WORKER_RESOURCE_GROUP";
constexpr const char* kMaxValueBytes = "PENSTOCK_WORKER_MAX_VALUE_BYTES";
constexpr const char* kLoad = "PENSTOCK_LOAD";
constexpr const char* kGrace = "PENSTOCK_GRACE_MS";
constexpr const char* kBlackBox = "PENSTOCK_BLACK_BOX_FD";
constexpr const char* kSupervisor = "PENSTOCK_SUPERVISOR_PID";

std::string in_digits(std::optional<std::uint64_t> number) {
  return number ? absl::StrCat(*number) : "";
}

template <typename Number>
absl::Status read_number(const Lookup& lookup, const char* name, Number& number) {
  const std::optional<std::string> text = lookup(name);
  if (!text || text->empty()) return absl::OkStatus();
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error == std::errc() && stop == end) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is not a number: \"", *text, "\""));
}

absl::Status read_number(const Lookup& lookup, const char* name, std::optional<std::uint64_t>& number) {
  const std::optional<std::string> text = lookup(name);
  if (!text || text->empty()) return absl::OkStatus();
  return read_number(lookup, name, number.emplace());
}

}  // namespace

Variables to_variables(const Environment& environment) {
  return {{kRoleVariable, kWorkerRole},
          {kScheduler, environment.scheduler},
          {kName, environment.name},
          {kThreads, absl::StrCat(environment.threads)},
          {kMemoryLimit, absl::StrCat(environment.memory_limit)},
          {kResources, environment.resources},
          {kResourceGroup, environment.resource_group},
          {kMaxValueBytes, in_digits(environment.max_value_bytes)},
          {kLoad, absl::StrJoin(environment.load, ":")},
          {kGrace, absl::StrCat(environment.grace.count())},
          {kBlackBox, absl::StrCat(environment.black_box_fd)},
          {kSupervisor, absl::StrCat(environment.supervisor)}};
}

absl::StatusOr<Environment> read_environment(const Lookup& lookup) {
  Environment out;
  std::uint32_t grace_ms = static_cast<std::uint32_t>(out.grace.count());
  absl::Status status;
  status.Update(read_number(lookup, kThreads, out.threads));
  status.Update(read_number(lookup, kMemoryLimit, out.memory_limit));
  status.Update(read_number(lookup, kMaxValueBytes, out.max_value_bytes));
  status.Update(read_number(lookup, kGrace, grace_ms));
  status.Update(read_number(lookup, kBlackBox, out.black_box_fd));
  status.Update(read_number(lookup, kSupervisor, out.supervisor));
  if (!status.ok()) return status;
  out.grace = std::chrono::milliseconds(grace_ms);
  if (const auto scheduler = lookup(kScheduler); scheduler && !scheduler->empty()) {
    out.scheduler = *scheduler;
  }
  out.name = lookup(kName).value_or("");
  out.resources = lookup(kResources).value_or("");
  out.resource_group = lookup(kResourceGroup).value_or("");
  out.load = absl::StrSplit(lookup(kLoad).value_or(""), ':', absl::SkipEmpty());
  return out;
}

absl::StatusOr<Environment> take_environment() {
  auto out = read_environment([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  });
  for (const auto& [name, value] : to_variables(Environment{})) unsetenv(name.c_str());
  return out;
}

}  // namespace penstock::worker
