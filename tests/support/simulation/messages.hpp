// The batches of the protocol, as the shells' wire code knows them: grouped by kind, so that the
// order between kinds inside one batch is lost as it is on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/action.hpp"
#include "scheduler/core/event.hpp"
#include "worker/core/action.hpp"
#include "worker/core/event.hpp"
#include "worker/value_store.hpp"

namespace penstock::simulation {

struct FromClient {
  std::optional<std::string> hello;  // its name
  std::vector<scheduler::PlanDefined> plans;
  std::vector<scheduler::TaskSubmitted> submits;
  std::vector<std::uint64_t> cancels;
  std::vector<std::uint32_t> forgotten;
  std::vector<scheduler::ValuesFreed> freed;
};

struct ToClient {
  bool welcome = false;
  std::vector<scheduler::SendOutcome> outcomes;
  std::optional<scheduler::SendClusterState> cluster;
};

struct FromWorker {
  struct Done {
    worker::SendDone sent;
    bool kept = false;  // its result says where
  };
  std::optional<scheduler::WorkerJoined> hello;
  std::vector<Done> done;
  std::vector<worker::SendWaits> waits;
  std::vector<worker::TaskId> returned;
  std::optional<worker::SendStatus> status;
  bool leaving = false;

  bool empty() const { return done.empty() && waits.empty() && returned.empty() && !status && !leaving; }
};

struct ToWorker {
  struct Plan {
    worker::PlanId id;
    std::string definition;
  };
  bool welcome = false;
  std::vector<Plan> plans;
  std::vector<worker::TaskArrived> runs;
  std::vector<worker::TaskId> cancels;
  std::vector<worker::PlanId> forgotten;
  std::vector<worker::ValueName> freed;
  std::vector<worker::ClientId> gone_clients;
};

// In the order in which the scheduler looks at the parts of a batch.
std::vector<scheduler::Event> events_of(scheduler::ClientId client, FromClient&& batch);
std::vector<scheduler::Event> events_of(scheduler::WorkerId worker, FromWorker&& batch);

}  // namespace penstock::simulation
