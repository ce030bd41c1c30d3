// What the scheduler core asks the driver to do, in this order.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "scheduler/core/resources.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

// Always ahead of the first SendTask of that plan to that worker.
struct SendPlan {
  WorkerId worker;
  PlanId plan;
  std::string definition;
};

struct SendForgetPlan {
  WorkerId worker;
  PlanId plan;
};

struct SendTask {
  WorkerId worker;
  TaskId task;
  std::uint32_t attempt;
  PlanId plan;
  absl::Cord input;
  ClientId client;
  std::string kept;  // as in TaskSubmitted
};

struct SendCancel {
  WorkerId worker;
  TaskId task;
};

struct SendOutcome {
  ClientId client;
  std::uint64_t id;  // the client's own
  Result result;
  Duration run{};
  bool kept = false;
};

// What a client may know of a worker.
struct WorkerInfo {
  std::string name;
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;        // resident bytes
  std::uint64_t memory_limit = 0;  // 0: none
  double cpu = 0;                  // cores in use
  std::uint64_t running = 0;       // as far as can be known: at most its threads
  std::uint64_t queued = 0;        // further tasks that were sent to it
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  bool leaving = false;
  std::uint64_t waiting = 0;       // for other tasks
  Resources resources;             // that it has
};

struct SendWorkers {
  ClientId client;
  std::uint64_t request;
  std::vector<WorkerInfo> workers;
};

// To a question about published values.
struct SendAnswer {
  ClientId client;
  std::uint64_t request;
  std::string error;  // empty: none
  std::vector<std::string> names = {};
  absl::Cord value = {};
  bool kept = false;
};

// Another client asks for a value that this one has published.
struct SendNameAsked {
  ClientId client;
  ClientId asker;
  std::uint64_t request;
  std::string name;
  bool lost;
};

struct SendRetire {
  WorkerId worker;
};

// Values of the worker that nobody needs any more.
struct SendFree {
  WorkerId worker;
  std::vector<ValueName> values;
};

// Values that all workers were given, and that nobody needs any more.
struct SendUnshare {
  WorkerId worker;
  std::vector<std::string> names;
};

// The client is gone, and with it the need for its values.
struct SendGoneClient {
  WorkerId worker;
  ClientId client;
};

// Workers or threads changed; sent to every client.
struct SendClusterState {
  ClientId client;
  std::uint32_t workers;
  std::uint32_t threads;
};

// Take the client's program, which comes in pieces. Ends with ProgramArrived, ProgramFailed or DropProgram.
struct SendProgramRequest {
  ClientId client;
  std::string sha256;
  std::uint64_t size;
};

// Forget the file, or what has come of it.
struct DropProgram {
  std::string sha256;
};

// The answer to a HostReported: all programs that are to run there.
struct SendOrders {
  std::uint64_t report;
  std::vector<ProgramOffer> programs;
};

// Or why there is none.
struct RefuseReport {
  std::uint64_t report;
  std::string reason;
};

// The heartbeat is due: send an empty batch unless something else went out since.
struct SendHeartbeats {};

// What a peer should make of the end of its connection.
enum class CloseKind : std::uint8_t {
  kRefused,    // it may not join, now or later
  kNameTaken,  // a worker of its name is connected: come back when that one may be gone
  kLost,       // it was silent, or another connection takes its place: come back
};

// End this connection with the reason; the core has forgotten the peer already.
struct CloseClient {
  ClientId client;
  std::string reason;
  CloseKind kind = CloseKind::kRefused;
};
struct CloseWorker {
  WorkerId worker;
  std::string reason;
  CloseKind kind = CloseKind::kRefused;
};

// For the log, in full sentences.
struct Log {
  enum class Level : std::uint8_t { kInfo, kWarning } level = Level::kInfo;
  std::string text;
};

using Action = std::variant<SendPlan, SendForgetPlan, SendTask, SendCancel, SendOutcome, SendFree, SendUnshare, SendGoneClient,
                            SendWorkers, SendAnswer, SendNameAsked, SendRetire,
                            SendProgramRequest, DropProgram, SendOrders, RefuseReport,
                            SendClusterState, SendHeartbeats, CloseClient, CloseWorker, Log>;

}  // namespace penstock::scheduler
