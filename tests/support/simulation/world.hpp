// One run of a whole cluster in virtual time: processes, network, faults, and the judge at the end.
//
//   World world(seed, {});
//   world.run();
//   EXPECT_FALSE(world.report().failed()) << world.report().problem();
//
// The same seed gives the same run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/simulation/client_process.hpp"
#include "tests/support/simulation/scenario.hpp"
#include "tests/support/simulation/scheduler_process.hpp"
#include "tests/support/simulation/stream.hpp"
#include "tests/support/simulation/worker_process.hpp"

namespace penstock::simulation {

struct WorldOptions {
  bool verbose = false;   // every event to stderr
  bool thorough = false;  // all invariants after every event
};

class World {
 public:
  World(std::uint64_t seed, WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void run();

  const Report& report() const { return environment_.report; }
  std::uint64_t delivered() const;  // elements
  const ValueCounts& values() const { return environment_.values; }
  std::uint64_t asked() const { return environment_.asked; }  // tasks, by tasks

 private:
  friend class Faults;

  struct Client {
    std::unique_ptr<ClientProcess> process;
    std::vector<std::unique_ptr<Stream>> streams;
    bool dead = false;
  };

  void start_scheduler();
  void stop_scheduler(bool tells_peers, Duration pause);
  void start_worker(WorkerSpec spec);
  void start_worker_later(WorkerSpec spec, Duration pause);
  void worker_ended(WorkerProcess& worker, WorkerProcess::End how);
  void report_exit(scheduler::WorkerExited report, Duration delay);
  Duration prompt_report();
  // Ends it, with what its supervisor does then.
  void kill_worker(WorkerProcess& worker);
  void supervise_honestly(const WorkerProcess& worker);
  void start_client(std::uint64_t number, const std::vector<StreamSpec>& streams);
  void heal();
  std::optional<std::string> read_value(const ValuePlace& place);
  bool is_needed(const ValuePlace& place) const;

  bool run_until(TimePoint time, bool until_done);
  void check_all();
  bool all_done() const;
  void judge();
  void judge_client(const ClientProcess& client);
  void judge_peers(const scheduler::Snapshot& snapshot);
  std::string unfinished() const;
  std::vector<WorkerProcess*> living_workers() const;

  Environment environment_;
  Scenario scenario_;
  Network network_;
  std::unique_ptr<SchedulerProcess> scheduler_;
  std::vector<std::unique_ptr<SchedulerProcess>> old_schedulers_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;  // the dead ones stay
  std::vector<Client> clients_;
  std::uint64_t started_workers_ = 0;
  std::uint64_t new_names_ = 0;
  std::size_t elements_ = 0;
  bool healed_ = false;
};

}  // namespace penstock::simulation
