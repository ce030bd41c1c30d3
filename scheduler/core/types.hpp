// The scheduler core's vocabulary: identities, times and limits. No I/O, no clock, no threads.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/cord.h"

namespace penstock::scheduler {

// Monotonic time as the driver tells it. The core never asks for the time itself.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// Identities given by the driver: one for each connection, never used again.
enum class ClientId : std::uint64_t {};
enum class WorkerId : std::uint64_t {};

// A task's identity inside this scheduler: slot in the task table and the slot's generation.
enum class TaskId : std::uint64_t {};

// What a task runs; equal definitions of several clients share one.
enum class PlanId : std::uint64_t {};

enum class FailureKind : std::uint8_t {
  kRaised,            // the function threw
  kWorkerLost,        // it was running on too many workers that died
  kCodeNotAvailable,  // no worker has its module
  kNoWorker,          // no worker at all
  kBadArguments,      // the input could not be decoded, or the result not encoded
  kRefused,           // over a limit, or names an unknown plan
  kCancelled,
  kInputLost,         // a value that it needs cannot be read where it was
  kTimedOut,          // it ran for longer than its plan allows
};

struct Failure {
  FailureKind kind = FailureKind::kRaised;
  std::string type;           // of the exception
  std::string text;           // what(), or the scheduler's explanation
  std::string task;           // label of the plan or of the stage that threw
  std::string worker;         // name, empty when it never ran
  std::uint32_t attempt = 0;  // 1 for the first dispatch
  std::vector<std::uint32_t> lost_inputs = {};  // kInputLost: opaque
  std::uint32_t lost_workers = 0;               // kInputLost: that it was running on

  friend bool operator==(const Failure&, const Failure&) = default;
};

// A value that stays at its worker: what made it.
struct ValueName {
  TaskId task{};
  std::uint32_t attempt = 0;

  friend bool operator==(const ValueName&, const ValueName&) = default;
};

// The file of a client's program.
struct ProgramOffer {
  std::string sha256;    // its name
  std::uint64_t size = 0;
  std::string build_id;  // of the module that its tasks lie in
  std::string name;      // for people

  friend bool operator==(const ProgramOffer&, const ProgramOffer&) = default;
};

// The encoded value - or, when it stays at its worker, where it is - or what went wrong.
using Result = std::variant<absl::Cord, Failure>;

struct CoreOptions {
  Duration heartbeat = std::chrono::seconds{1};            // peers send at least this often
  Duration silence = std::chrono::seconds{5};              // longer silence: the peer is lost
  Duration code_timeout = std::chrono::seconds{10};        // workers, but none with the module
  Duration no_worker_timeout = std::chrono::seconds{60};   // no worker at all
  // What is told to those whose tasks wait for it.
  std::string no_worker_advice =
      "start one with: penstock-worker --scheduler HOST:PORT --app ./YOUR_PROGRAM";
  Duration exit_report_timeout = std::chrono::seconds{1};  // wait for the supervisor's evidence
  Duration prefetch = std::chrono::milliseconds{20};       // work to keep waiting per worker thread
  std::uint32_t max_lost_workers = 3;  // a task that was running on that many dead workers fails
  std::size_t max_prefetch = 4096;     // tasks per worker thread, however short
  std::size_t max_workers = 10'000;    // further ones are refused
  std::size_t max_clients = 10'000;
  std::size_t max_tasks_per_client = 4'000'000;
  std::size_t max_plans = 100'000;
  std::size_t max_module_sets = 1'000;  // different ones, of workers and of plans each
  std::size_t max_published = 10'000;   // values under a name
  std::size_t max_asked = 10'000;       // questions for them without an answer
  std::size_t max_hosts = 10'000;       // supervisors that accept programs
  std::size_t max_programs = 4;         // whose files are kept here
  std::uint64_t max_program_bytes = std::uint64_t{256} << 20;  // of each
  Duration upload_timeout = std::chrono::seconds{120};  // from the first waiting task to a worker with its program
  Duration program_idle = std::chrono::minutes{5};  // so long a program runs on when its last client is gone
};

}  // namespace penstock::scheduler
