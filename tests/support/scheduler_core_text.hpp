// Short texts for the scheduler core's vocabulary, for expectations and recorded scenarios:
//
//   plan w1 p1 'square'      run w1 t0 a1 p1 'x'      outcome c1 7 = 'y' (2ms)
//
// t0 is the task in slot 0, t0.2 the second one that used the slot. A failure is shown as
// !raised 'text' {task=..., worker=..., attempt=...}.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "scheduler/core/action.hpp"

namespace penstock::scheduler::testing {

template <typename Id>
std::string number(Id id) {
  return std::to_string(static_cast<std::uint64_t>(id));
}

inline std::string quote(std::string_view text) {
  std::string result = "'";
  for (char c : text) result += c == '\n' ? std::string("\\n") : std::string(1, c);
  return result + "'";
}

inline TaskId task_id(std::uint64_t slot, std::uint64_t generation = 1) {
  return TaskId{generation << 32 | slot};
}

inline std::string to_text(TaskId id) {
  const auto raw = static_cast<std::uint64_t>(id);
  const std::string slot = "t" + std::to_string(raw & 0xffffffffu);
  return raw >> 32 == 1 ? slot : slot + "." + std::to_string(raw >> 32);
}

inline std::string to_text(Duration duration) {
  const auto ns = duration.count();
  if (ns % 1'000'000 == 0) return std::to_string(ns / 1'000'000) + "ms";
  return ns % 1000 == 0 ? std::to_string(ns / 1000) + "us" : std::to_string(ns) + "ns";
}

inline std::string to_text(FailureKind kind) {
  constexpr const char* kNames[] = {"raised",    "worker_lost",   "code_not_available",
                                    "no_worker", "bad_arguments", "refused",
                                    "cancelled", "input_lost", "timed_out"};
  return kNames[static_cast<std::size_t>(kind)];
}

inline std::string to_text(const Failure& failure) {
  return "!" + to_text(failure.kind) + " " + quote(failure.text) + " {task=" + failure.task +
         ", worker=" + failure.worker + ", attempt=" + std::to_string(failure.attempt) + "}";
}

inline std::string to_text(const Result& result) {
  const auto* value = std::get_if<absl::Cord>(&result);
  return value != nullptr ? quote(std::string(*value)) : to_text(std::get<Failure>(result));
}

// A program in tests: its SHA-256 is its name, filled up with '-'.
inline ProgramOffer program_offer(std::string name, std::uint64_t size = 100) {
  std::string sha256 = name;
  sha256.resize(32, '-');
  return {std::move(sha256), size, name, std::move(name)};
}

inline std::string short_program(const std::string& sha256) { return sha256.substr(0, sha256.find('-')); }

struct ActionText {
  // Of a task whose input is at workers in part; its client is said only then.
  static std::string kept(const SendTask& a) {
    return a.kept.empty() ? "" : " for c" + number(a.client) + " with " + quote(a.kept);
  }
  std::string operator()(const SendPlan& a) const {
    return "plan w" + number(a.worker) + " p" + number(a.plan) + " " + quote(a.definition);
  }
  std::string operator()(const SendForgetPlan& a) const {
    return "forget-plan w" + number(a.worker) + " p" + number(a.plan);
  }
  std::string operator()(const SendTask& a) const {
    return "run w" + number(a.worker) + " " + to_text(a.task) + " a" + std::to_string(a.attempt) +
           " p" + number(a.plan) + " " + quote(std::string(a.input)) + kept(a);
  }
  std::string operator()(const SendCancel& a) const {
    return "cancel w" + number(a.worker) + " " + to_text(a.task);
  }
  std::string operator()(const SendOutcome& a) const {
    const std::string run = a.run == Duration{0} ? "" : " (" + to_text(a.run) + ")";
    return "outcome c" + number(a.client) + " " + std::to_string(a.id) + " = " + to_text(a.result) +
           run + (a.kept ? " kept" : "");
  }
  std::string operator()(const SendFree& a) const {
    std::string text = "free w" + number(a.worker);
    for (const ValueName& value : a.values) text += " " + to_text(value.task) + " a" + std::to_string(value.attempt);
    return text;
  }
  std::string operator()(const SendAnswer& a) const {
    std::string text = "answer c" + number(a.client) + " request=" + std::to_string(a.request);
    if (!a.error.empty()) return text + " error: " + a.error;
    for (const std::string& name : a.names) text += " " + name;
    return text + " '" + std::string(a.value) + "'" + (a.kept ? " kept" : "");
  }
  std::string operator()(const SendNameAsked& a) const {
    return "asked c" + number(a.client) + " by c" + number(a.asker) + " request=" + std::to_string(a.request) + " " +
           a.name + (a.lost ? " lost" : "");
  }
  std::string operator()(const SendUnshare& a) const {
    std::string text = "unshare w" + number(a.worker);
    for (const std::string& name : a.names) text += " " + name;
    return text;
  }
  std::string operator()(const SendWorkers& a) const {
    std::string text = "workers c" + number(a.client) + " request=" + std::to_string(a.request);
    for (const WorkerInfo& worker : a.workers) {
      text += " " + worker.name + " running=" + std::to_string(worker.running) +
              " queued=" + std::to_string(worker.queued) + (worker.leaving ? " leaving" : "");
    }
    return text;
  }
  std::string operator()(const SendRetire& a) const { return "retire w" + number(a.worker); }
  std::string operator()(const SendGoneClient& a) const {
    return "gone w" + number(a.worker) + " c" + number(a.client);
  }
  std::string operator()(const SendClusterState& a) const {
    return "cluster c" + number(a.client) + " workers=" + std::to_string(a.workers) +
           " threads=" + std::to_string(a.threads);
  }
  std::string operator()(const SendProgramRequest& a) const {
    return "send-program c" + number(a.client) + " " + short_program(a.sha256) + " size=" + std::to_string(a.size);
  }
  std::string operator()(const DropProgram& a) const { return "drop-program " + short_program(a.sha256); }
  std::string operator()(const SendOrders& a) const {
    std::string text = "orders r" + std::to_string(a.report);
    for (const ProgramOffer& program : a.programs) text += " " + short_program(program.sha256);
    return text;
  }
  std::string operator()(const RefuseReport& a) const {
    return "refuse r" + std::to_string(a.report) + " " + quote(a.reason);
  }
  std::string operator()(const SendHeartbeats&) const { return "heartbeats"; }
  std::string operator()(const CloseClient& a) const {
    return "close c" + number(a.client) + " " + quote(a.reason);
  }
  std::string operator()(const CloseWorker& a) const {
    return "close w" + number(a.worker) + " " + quote(a.reason);
  }
  std::string operator()(const Log& a) const {
    return (a.level == Log::Level::kInfo ? "info " : "warning ") + quote(a.text);
  }
};

inline std::string to_text(const Action& action) { return std::visit(ActionText{}, action); }

}  // namespace penstock::scheduler::testing
