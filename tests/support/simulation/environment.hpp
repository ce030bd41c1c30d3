// What every simulated process shares: time, chance, the report, and the terms of the cluster.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "scheduler/core/types.hpp"
#include "tests/support/simulation/event_queue.hpp"
#include "tests/support/simulation/random.hpp"
#include "tests/support/simulation/report.hpp"
#include "tests/support/simulation/values.hpp"

namespace penstock::simulation {

struct Environment {
  Environment(std::uint64_t seed, bool verbose) : random(seed), report(queue, verbose) {}

  // Of one message. Mostly short, sometimes not.
  Duration latency() {
    using std::chrono::microseconds;
    if (random.chance(5)) return random.between(microseconds(500), microseconds(50'000));
    return random.between(microseconds(20), typical_latency);
  }
  // Until a batch has left and the next one may be written.
  Duration writing_time() { return random.between(Duration(1'000), typical_latency); }

  // Checking everything is slow: always in a thorough run, now and then in the others.
  bool is_checked_now() { return thorough || ++unchecked_ % 64 == 0; }

  bool thorough = false;
  EventQueue queue;
  Random random;
  Report report;
  scheduler::CoreOptions terms;
  Duration typical_latency = std::chrono::microseconds(300);
  std::size_t batch_limit = 1000;  // items of one kind
  ValueCounts values;
  std::uint64_t asked = 0;  // tasks, by tasks
  // What only the whole world knows. A value, from a worker that has it and can be reached:
  std::function<std::optional<std::string>(const ValuePlace&)> read_value;
  // whether a client needs it,
  std::function<bool(const ValuePlace&)> is_needed;
  // and the name of some worker that lives; empty: none does.
  std::function<std::string()> some_worker;
  // How many processes died while they ran the task with this part of its input, at least.
  std::unordered_map<std::string, unsigned> deaths;

 private:
  std::uint64_t unchecked_ = 0;
};

}  // namespace penstock::simulation
