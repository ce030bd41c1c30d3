// What can happen to the scheduler core. The driver makes these from messages and connection ends.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/core/resources.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct ClientJoined {
  ClientId client;
  std::string name;
  std::uint32_t weight = 1;  // tasks that start in its turn, when others wait as well
  std::optional<ProgramOffer> program = {};  // that hosts may run
};

// The connection ended. Its tasks are dropped: the client submits them again when it is back.
struct ClientLeft {
  ClientId client;
};

struct PlanDefined {
  ClientId client;
  std::uint32_t plan;  // the client's own number
  std::string definition;
  std::vector<std::string> modules;  // build-ids, all of which a worker must have
  std::string label;
  std::string module_name;
  std::int32_t priority = 0;  // higher: its tasks start before the client's others that wait
  Resources resources = {};   // that each of its tasks takes
};

struct PlanForgotten {
  ClientId client;
  std::uint32_t plan;
};

struct TaskSubmitted {
  ClientId client;
  std::uint64_t id;  // the client's own, ascending
  std::uint32_t plan;
  absl::Cord input;
  std::string kept = {};  // what of it is at workers; opaque
  std::string near = {};  // the worker where it should run: with the largest part of that, for one
  bool pinned = false;    // or nowhere
  std::uint32_t lost_workers = 0;  // that it was running on, when it was sent before
};

struct TaskCancelled {
  ClientId client;
  std::uint64_t id;
};

// Nobody needs them any more.
struct ValuesFreed {
  ClientId client;
  std::string worker;  // its name
  std::vector<ValueName> values;
};

// Nobody needs these values any more, which all workers were given.
struct ValuesUnshared {
  ClientId client;
  std::vector<std::string> names;
};

// It has a value for others under this name.
struct NamePublished {
  ClientId client;
  std::uint64_t request;
  std::string name;
  std::string signature;
};

struct NameWithdrawn {
  ClientId client;
  std::string name;
};

// Which names are published?
struct NamesAsked {
  ClientId client;
  std::uint64_t request;
};

// What is published under this name? Waits until something is.
struct NameAsked {
  ClientId client;
  std::uint64_t request;
  std::string name;
  std::string signature;
  bool lost = false;  // it could not be read where the last answer said
};

// It does not wait for the answer any more.
struct QuestionForgotten {
  ClientId client;
  std::uint64_t request;
};

// The answer of its owner.
struct ValueGiven {
  ClientId client;
  ClientId asker;
  std::uint64_t request;
  std::string error;  // empty: there is a value
  absl::Cord value;   // or where it is,
  bool kept = false;  // at a worker
};

// Which workers are there?
struct WorkersAsked {
  ClientId client;
  std::uint64_t request;
};

// They are to finish what runs, and to leave for good.
struct WorkersRetired {
  ClientId client;
  std::uint64_t request;
  std::vector<std::string> names;
};

// All that is known here now of the file that SendProgramRequest asked for: it is here, and is what it should be.
struct ProgramArrived {
  ClientId client;
  std::string sha256;
};

// Or it will not come.
struct ProgramFailed {
  ClientId client;
  std::string sha256;
  std::string text;
};

struct HostedProgram {
  ProgramOffer program;
  bool running = false;
  std::string failure = {};  // why it does not run there
};

// A supervisor that accepts programs says what it has. Each report has one answer: SendOrders or RefuseReport.
struct HostReported {
  std::uint64_t report;  // the driver's number for the answer
  std::string name;
  std::uint64_t instance = 0;  // new with every start of that supervisor
  std::uint32_t max_programs = 4;
  std::vector<HostedProgram> programs = {};  // all of them
};

struct ModuleInfo {
  std::string build_id;
  std::string name;
  std::uint32_t tasks = 0;
};

struct WorkerJoined {
  WorkerId worker;
  std::string name;
  std::uint32_t threads = 1;
  std::vector<ModuleInfo> modules;
  std::uint64_t memory_limit = 0;
  bool supervised = false;
  Resources resources = {};
  std::string resource_group = {};  // workers that name the same one have them together; empty: it has them alone
};

// The connection ended or was silent: everything it had is dispatched again.
struct WorkerLeft {
  WorkerId worker;
};

// It takes no more work, finishes what runs and leaves.
struct WorkerLeaving {
  WorkerId worker;
};

// It waits for other tasks, or does so no more: as long as it waits it takes no thread.
struct TaskWaits {
  WorkerId worker;
  TaskId task;
  std::uint32_t attempt;
  bool waits;
};

struct TaskReturned {  // handed back unrun
  WorkerId worker;
  TaskId task;
};

struct TaskFinished {
  WorkerId worker;
  TaskId task;
  std::uint32_t attempt;
  Result result;
  std::uint32_t thread = 0;
  Duration run{};
  bool kept = false;  // the value stays at the worker, see Result
};

struct WorkerReported {  // with a heartbeat
  WorkerId worker;
  std::uint64_t memory = 0;  // resident bytes
  double cpu = 0;            // cores in use
};

// A supervisor's evidence; may come before or after WorkerLeft of that name, or never.
struct WorkerExited {
  std::string name;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;  // 0 when it exited
  std::vector<TaskId> running;
  std::string last_lines;
};

// Anything arrived from this peer, also an empty batch. Restarts its silence clock.
struct ClientHeard {
  ClientId client;
};
struct WorkerHeard {
  WorkerId worker;
};

// The deadline that next_deadline() named has come (or a later one: harmless when early).
struct Tick {};

using Event =
    std::variant<ClientJoined, ClientLeft, ClientHeard, PlanDefined, PlanForgotten, TaskSubmitted,
                 TaskCancelled, ValuesFreed, ValuesUnshared, NamePublished,
                 NameWithdrawn, NamesAsked, NameAsked, QuestionForgotten, ValueGiven, WorkersAsked, WorkersRetired, WorkerJoined, WorkerLeft, WorkerLeaving, WorkerHeard,
                 WorkerReported, WorkerExited, TaskWaits, TaskReturned, TaskFinished, ProgramArrived, ProgramFailed,
                 HostReported, Tick>;

}  // namespace penstock::scheduler
