// The snapshot as Prometheus text (exposition format 0.0.4), served at /metrics.
//
//   penstock_tasks{state="waiting|prefetched|running"}            now; the states do not overlap
//   penstock_tasks_total{state="done|failed|cancelled|input_lost"}  finished since the start
//   penstock_task_latency_seconds, penstock_task_run_seconds      histograms since the start
//   penstock_workers, penstock_worker_threads, penstock_clients   now
//   penstock_worker_memory_bytes{worker}, penstock_worker_cpu_cores{worker}
//   penstock_dropped_messages_total{kind="outcome|submit|other"}, penstock_http_..., and a few more
#pragma once

#include <string>

#include "scheduler/core/snapshot.hpp"
#include "scheduler/dashboard/http_counters.hpp"

namespace penstock::scheduler {

// Workers of one name are told apart as "name#id". Bytes that are not UTF-8 become U+FFFD.
std::string metrics_text(const Snapshot& snapshot, const HttpCounters& http);

// The value of the Content-Type field that goes with it.
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace penstock::scheduler
