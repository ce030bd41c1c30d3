// A snapshot for the dashboard's tests: two workers that ran a little of everything.
#pragma once

#include <chrono>

#include "scheduler/core/snapshot.hpp"

namespace penstock::scheduler {

inline WorkerSnapshot worker_snapshot(std::uint64_t id, std::string name, TimePoint at) {
  WorkerSnapshot worker;
  worker.id = WorkerId{id};
  worker.name = std::move(name);
  worker.threads = 2;
  worker.memory = 50'000'000;
  worker.cpu = 1.25;
  worker.assigned = 3;
  worker.done = 40;
  worker.failed = 1;
  worker.joined = at - std::chrono::seconds(8);
  worker.heard = at - std::chrono::milliseconds(300);
  worker.timeline.resize(2);
  return worker;
}

inline Snapshot sample_snapshot() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Snapshot out;
  out.started = TimePoint{} + std::chrono::hours(5);
  out.at = out.started + seconds(10);
  out.waiting = 7;
  out.running = 4;
  out.assigned = 6;
  out.counters = {.submitted = 100,
                  .done = 80,
                  .failed = 2,
                  .cancelled = 5,
                  .input_lost = 11,
                  .dispatched = 90,
                  .redispatched = 3,
                  .workers_lost = 1,
                  .clients_lost = 0,
                  .dropped_outcomes = 4,
                  .dropped_submits = 6,
                  .dropped_other = 8,
                  .refused_peers = 9};
  out.throughput = 12.5;
  out.latency_p50 = 0.0004;
  out.latency_p99 = 0.025;
  out.latency = {{0.001, 0.01, 0.1}, {50, 20, 10, 2}, 82, 3.5};
  out.run_time = {{0.001, 0.01, 0.1}, {70, 10, 2, 0}, 82, 0.75};
  out.rates = {{out.started + seconds(9), 10, 0}, {out.started + seconds(10), 12, 1}};
  out.workers = {worker_snapshot(1, "alpha", out.at), worker_snapshot(2, "beta", out.at)};
  out.workers[0].timeline[0] = {
      {out.started + seconds(2), out.started + milliseconds(2250), "resize", 5, false},
      {out.started + seconds(6), out.started + milliseconds(6500), "blur", 1, true}};
  out.clients = {{ClientId{1}, "camera", 7, 6, 80, 2, out.started + seconds(1)}};
  out.plans = {{PlanId{1}, "resize", 7, 6, 80, 2, std::chrono::microseconds(1500)}};
  out.errors = {
      {out.started + seconds(9),
       {FailureKind::kRaised, "std::runtime_error", "too \"dark\"\n", "blur", "alpha", 1}}};
  return out;
}

}  // namespace penstock::scheduler
