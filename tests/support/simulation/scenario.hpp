// What a seed stands for: the size of the cluster, what is computed on it, and what goes wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/simulation/random.hpp"
#include "tests/support/simulation/stream.hpp"
#include "tests/support/simulation/worker_process.hpp"

namespace penstock::simulation {

enum class Fault : std::uint8_t {
  kCut,       // both sides learn, each in its own time
  kHalfOpen,  // one side learns by silence only, or both
  kSwallow,   // one direction goes nowhere
  kKillWorker,
  kLeave,  // a worker is asked to leave
  kNewWorker,
  kTwinWorker,  // one with the name of another
  kFreezeWorker,
  kFreezeClient,
  kFreezeScheduler,
  kKillScheduler,
  kStopScheduler,  // tells its peers
  kFalseReport,    // a supervisor's report about a living worker
  kStaleOutcomes,  // a worker sends outcomes of old attempts, of tasks that others have
  kKillClient,     // for good
};

struct Scenario {
  scheduler::CoreOptions terms;
  Duration typical_latency{};
  std::size_t batch_limit = 0;
  std::vector<WorkerSpec> workers;
  std::vector<std::vector<StreamSpec>> clients;
  // Supervisors tell the truth in time, and workers are lost by dying only. So it is known who is
  // to blame, and some tasks kill.
  bool honest = false;
  unsigned unreadable_percent = 0;  // values that are there and cannot be read, each time
  std::vector<Fault> faults;  // in turn, over `fault_time`
  Duration fault_time{};
  Duration limit{};  // all must be done so long after the last fault
};

Scenario draw_scenario(Random& random);

}  // namespace penstock::simulation
