// Breaks things in a world, one after the other.
#pragma once

#include "tests/support/simulation/world.hpp"

namespace penstock::simulation {

class Faults {
 public:
  explicit Faults(World& world) : world_(world), random_(world.environment_.random) {}

  // All of the scenario's, at random times until its fault time is over. May be destroyed then.
  void schedule();

 private:
  void commit(Fault fault);
  void break_cable(Fault fault);
  void trouble_worker(Fault fault);
  void trouble_scheduler(Fault fault);
  void trouble_client(Fault fault);
  void add_worker(const WorkerProcess* twin_of);
  Duration freezing_time();

  World& world_;
  Random& random_;
};

}  // namespace penstock::simulation
