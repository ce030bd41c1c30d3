#include "tests/support/simulation/scenario.hpp"

#include <algorithm>
#include <chrono>

namespace penstock::simulation {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

scheduler::CoreOptions draw_terms(Random& random, bool honest) {
  scheduler::CoreOptions terms;
  terms.heartbeat = milliseconds(random.chance(50) ? 1000 : 200);
  terms.silence = 5 * terms.heartbeat;
  terms.exit_report_timeout = milliseconds(random.chance(50) ? 1000 : 100);
  // Whoever has to wait for a worker waits until the faults are over.
  terms.code_timeout = terms.no_worker_timeout = hours(10);
  terms.max_lost_workers = honest ? static_cast<std::uint32_t>(random.between(1, 3)) : 1'000'000;
  if (random.chance(20)) terms.prefetch = microseconds(1);
  if (random.chance(20)) terms.prefetch = milliseconds(100);
  if (random.chance(20)) terms.max_prefetch = 2;
  return terms;
}

WorkerSpec draw_worker(Random& random, std::size_t index, bool honest) {
  WorkerSpec spec;
  spec.name = "w" + std::to_string(index);
  spec.threads = static_cast<std::uint32_t>(random.between(1, 4));
  spec.modules = {"a"};
  if (index == 0 || random.chance(60)) spec.modules.push_back("b");
  spec.supervised = honest || random.chance(60);
  if (random.chance(20)) spec.slowness = static_cast<unsigned>(random.between(2, 10));
  return spec;
}

StreamSpec draw_stream(Random& random, std::uint64_t number, Duration fault_time, bool honest) {
  static constexpr Duration kRuns[] = {microseconds(5), microseconds(100), milliseconds(2),
                                       milliseconds(20), milliseconds(200)};
  static constexpr std::uint64_t kElements[] = {100, 80, 60, 40, 15};
  StreamSpec spec;
  const std::size_t length = random.below(std::size(kRuns));
  spec.number = number;
  spec.function = {random.next(), kRuns[length], 0, 0};
  if (random.chance(40)) spec.function.raise_percent = 10;
  if (honest && random.chance(50)) spec.function.kill_percent = 4;
  if (random.chance(50)) {
    static constexpr Shape kShapes[] = {Shape::kChain, Shape::kPairs, Shape::kLong};
    spec.shape = kShapes[random.below(std::size(kShapes))];
    spec.second = {random.next(), kRuns[random.below(length + 1)], 0, 0};
    if (random.chance(30)) spec.second.raise_percent = 10;
    if (honest && random.chance(30)) spec.second.kill_percent = 4;
  }
  for (Function* const function : {&spec.function, &spec.second}) {
    static constexpr unsigned kKept[] = {0, 30, 100};
    function->keep_percent = kKept[random.below(std::size(kKept))];
  }
  if (random.chance(30)) {
    spec.function.ask_percent = spec.second.ask_percent = random.chance(30) ? 100 : 30;
  }
  spec.elements = random.between(kElements[length] / 4, kElements[length]);
  if (random.chance(80)) spec.period = 2 * fault_time / static_cast<int>(spec.elements);
  if (random.chance(60)) spec.window.elements = random.between(1, 40);
  if (random.chance(20)) spec.window.bytes = random.between(1, 300);
  spec.modules = {random.chance(70) ? "a" : "b"};
  if (random.chance(10)) spec.modules = {"a", "b"};
  if (random.chance(10)) {
    spec.near_percent = 20;
    spec.pinned = true;
  } else if (random.chance(20)) {
    spec.near_percent = 70;
  }
  if (random.chance(30)) spec.cancel_percent = 20;
  if (random.chance(30)) spec.renew_percent = 10;
  if (random.chance(20)) spec.slow_sink_percent = 20;
  return spec;
}

std::vector<Fault> draw_faults(Random& random, bool honest) {
  std::vector<Fault> kinds;
  if (honest) {
    kinds = {Fault::kKillWorker, Fault::kLeave, Fault::kNewWorker, Fault::kFreezeClient};
  } else {
    // Few kinds in each seed, so that every pair meets often.
    const std::size_t some = random.between(1, 5);
    for (std::size_t i = 0; i < some; ++i) {
      kinds.push_back(static_cast<Fault>(random.below(15)));
    }
  }
  std::vector<Fault> faults;
  const std::size_t count = random.below(25);
  for (std::size_t i = 0; i < count; ++i) faults.push_back(random.pick(kinds));
  return faults;
}

}  // namespace

Scenario draw_scenario(Random& random) {
  Scenario scenario;
  scenario.honest = random.chance(20);
  scenario.terms = draw_terms(random, scenario.honest);
  scenario.typical_latency = random.chance(20) ? milliseconds(5) : microseconds(300);
  scenario.batch_limit = random.chance(50) ? random.between(1, 8) : 1000;
  scenario.fault_time = milliseconds(random.between(500, 8000));
  scenario.limit = seconds(300);
  const std::size_t workers = random.between(1, 5);
  for (std::size_t i = 0; i < workers; ++i) {
    scenario.workers.push_back(draw_worker(random, i, scenario.honest));
  }
  if (random.chance(20)) scenario.unreadable_percent = 5;
  std::uint64_t streams = 0;
  const std::size_t clients = random.between(1, 3);
  for (std::size_t i = 0; i < clients; ++i) {
    auto& specs = scenario.clients.emplace_back();
    const std::size_t some = random.between(1, 3);
    for (std::size_t j = 0; j < some; ++j) {
      specs.push_back(draw_stream(random, ++streams, scenario.fault_time, scenario.honest));
    }
  }
  scenario.faults = draw_faults(random, scenario.honest);
  return scenario;
}

}  // namespace penstock::simulation
