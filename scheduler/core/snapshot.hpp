// All that the dashboard may see: a copy of the core's state and statistics at one moment.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/resources.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

// A piece of one worker thread's past. Neighbouring runs of one plan are merged when they and the
// gap between them are too short to see, so that the memory stays bounded at any task rate.
struct Span {
  TimePoint begin;
  TimePoint end;
  std::string label;        // of the plan
  std::uint64_t tasks = 1;  // merged into this span
  bool failed = false;      // at least one of them failed
};

struct WorkerSnapshot {
  WorkerId id{};
  std::string name;
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;        // resident bytes
  std::uint64_t memory_limit = 0;  // 0: none
  double cpu = 0;                  // cores in use
  std::uint64_t assigned = 0;      // tasks sent and not finished
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  bool leaving = false;
  std::uint64_t waiting = 0;       // of the assigned ones: for other tasks
  Resources resources;             // that it has,
  Resources free;                  // and that none of its tasks takes
  TimePoint joined;
  TimePoint heard;
  std::vector<std::vector<Span>> timeline;  // per thread, oldest first, the last 30 s
};

struct ClientSnapshot {
  ClientId id{};
  std::string name;
  std::uint64_t waiting = 0;
  std::uint64_t assigned = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  TimePoint joined;
};

struct PlanSnapshot {
  PlanId id{};
  std::string label;
  std::uint64_t waiting = 0;
  std::uint64_t assigned = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  Duration mean_run{};  // exponentially weighted
};

// A program that a client has offered.
struct ProgramSnapshot {
  enum class Place { kClient, kComing, kHere };

  std::string name;
  std::string sha256;  // raw
  std::uint64_t size = 0;
  std::uint64_t clients = 0;  // that offer it, and are connected
  Place place = Place::kClient;  // where its file is
  std::uint64_t running = 0;  // hosts that run it,
  std::uint64_t failed = 0;   // on which it does not run
  std::string failure;        // the last one
};

// Log-bucketed durations: bucket i holds durations in (kFirst * 2^(i/2), kFirst * 2^((i+1)/2)], the
// first one also all that are shorter.
struct HistogramSnapshot {
  std::vector<double> upper_seconds;  // inclusive upper bound of each bucket, ascending
  std::vector<std::uint64_t> counts;  // one more than bounds: the last is above all
  std::uint64_t count = 0;
  double sum_seconds = 0;
};

struct RateSample {  // one second of the past
  TimePoint at;      // its end
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

struct ErrorSample {
  TimePoint at;
  Failure failure;
};

// Counters since the scheduler started. "Dropped" ones came from outside and were harmless.
struct Counters {
  std::uint64_t submitted = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t input_lost = 0;  // given back to the client, which submits them again
  std::uint64_t dispatched = 0;
  std::uint64_t redispatched = 0;  // after the loss of a worker
  std::uint64_t workers_lost = 0;
  std::uint64_t clients_lost = 0;      // with tasks unfinished
  std::uint64_t dropped_outcomes = 0;  // of an old attempt, a cancelled or unknown task
  std::uint64_t dropped_submits = 0;   // repeated ids
  std::uint64_t dropped_other = 0;     // unknown peers, plans or ids
  std::uint64_t refused_peers = 0;
  std::uint64_t dropped_connections = 0;  // that did not speak the protocol; filled in by the driver
};

struct Snapshot {
  TimePoint at;
  TimePoint started;
  std::uint64_t waiting = 0;  // in the queues
  std::uint64_t running =
      0;  // on a thread, as far as the scheduler can know: per worker, at most its threads
  std::uint64_t assigned = 0;  // at workers: running and prefetched
  Counters counters;
  double throughput = 0;   // tasks finished per second, over the last second that ended
  double latency_p50 = 0;  // seconds from submit to outcome, over the last 10 s; 0 when none
  double latency_p99 = 0;
  HistogramSnapshot latency;            // since the start
  HistogramSnapshot run_time;           // in the user's function, since the start
  std::vector<RateSample> rates;        // the last 60 s, oldest first
  std::vector<WorkerSnapshot> workers;  // by id
  std::vector<ClientSnapshot> clients;
  std::vector<PlanSnapshot> plans;
  std::vector<ProgramSnapshot> programs;
  std::uint64_t hosts = 0;          // that run clients' programs
  std::vector<ErrorSample> errors;  // the last 100, oldest first
};

}  // namespace penstock::scheduler
