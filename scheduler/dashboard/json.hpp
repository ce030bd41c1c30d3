// The status as JSON: what the page at /status reads, and whoever wants to follow along.
//
// Times are milliseconds since the scheduler started (numbers, at most two decimals); durations are
// milliseconds too. `unix_ms` is the wall clock at `at`, so that a time `t` was at
// `unix_ms - (at - t)`. A scheduler that was started again shows an `at` smaller than before.
//
//   {"version": 1, "unix_ms": 1700000000000, "at": 12034.5,
//    "tasks": {"waiting": .., "assigned": .., "running": ..},
//    "counters": {"submitted": .., "done": .., ..},          as in struct Counters
//    "throughput": 1250.0, "latency": {"p50": 0.31, "p99": 1.2},
//    "rates": [[at, done, failed], ..],                      a second each, oldest first
//    "histograms": {"latency": {"upper": [..], "counts": [..], "count": .., "sum": ..}, "run": ..},
//    "labels": ["resize", ..],
//    "workers": [{"id": .., "name": .., .., "timeline": [[[begin, length, label, tasks, failed],
//                 ..] of one thread, ..]}, ..],              `label` is an index into `labels`
//    "plans": [..], "clients": [..], "errors": [..]}         errors oldest first
//
// Bytes that are not UTF-8 become U+FFFD, numbers that are not finite become 0. Never throws for
// the sake of the snapshot's contents.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "scheduler/core/snapshot.hpp"

namespace penstock::scheduler {

struct StatusQuery {
  // Only pieces of timelines that ended after this moment (milliseconds since the start): with the
  // `at` of the last answer, less a second, a page receives each piece about once.
  std::optional<double> since;
  std::size_t max_timelines = 256;  // threads; those of later workers are left empty
  std::size_t max_spans = 1000;     // of one thread, the newest
  std::size_t max_text = 2000;      // bytes of an error's text
};

// `now` is the wall clock at the snapshot's `at`.
std::string status_json(const Snapshot& snapshot, std::chrono::system_clock::time_point now,
                        const StatusQuery& query = {});

// {"status": "ok", "workers": 4, "uptime_seconds": 12.03}
std::string health_json(const Snapshot& snapshot);

}  // namespace penstock::scheduler
