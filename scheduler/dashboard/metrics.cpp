#include "scheduler/dashboard/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <cmath>
#include <initializer_list>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "scheduler/dashboard/utf8.hpp"

namespace penstock::scheduler {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Labelled {
  std::string label;
  double value;
};

MetricFamily family(std::string name, MetricType type, std::string help) {
  return {std::move(name), std::move(help), type, {}};
}

ClientMetric metric(MetricType type, double value) {
  ClientMetric out;
  (type == MetricType::Counter ? out.counter.value : out.gauge.value) = value;
  return out;
}

MetricFamily single(std::string name, MetricType type, std::string help, double value) {
  MetricFamily out = family(std::move(name), type, std::move(help));
  out.metric.push_back(metric(type, value));
  return out;
}

MetricFamily counter(std::string name, std::string help, std::uint64_t value) {
  return single(std::move(name), MetricType::Counter, std::move(help), static_cast<double>(value));
}

MetricFamily gauge(std::string name, std::string help, double value) {
  return single(std::move(name), MetricType::Gauge, std::move(help), value);
}

MetricFamily labelled(MetricFamily out, const std::string& label,
                      const std::vector<Labelled>& values) {
  for (const Labelled& one : values) {
    out.metric.push_back(metric(out.type, one.value));
    out.metric.back().label.push_back({label, one.label});
  }
  return out;
}

// Prometheus counts cumulatively; the last of our counts, above all bounds, becomes "+Inf".
MetricFamily histogram(std::string name, std::string help, const HistogramSnapshot& source) {
  MetricFamily out = family(std::move(name), MetricType::Histogram, std::move(help));
  ClientMetric one;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < source.upper_seconds.size(); ++i) {
    if (i < source.counts.size()) below += source.counts[i];
    one.histogram.bucket.push_back({below, source.upper_seconds[i]});
  }
  if (source.counts.size() > source.upper_seconds.size()) below += source.counts.back();
  one.histogram.sample_count = below;
  one.histogram.sample_sum = source.sum_seconds;
  out.metric.push_back(std::move(one));
  return out;
}

// Two series must not carry the same labels, two workers may carry the same name.
std::vector<std::string> worker_labels(const std::vector<WorkerSnapshot>& workers) {
  std::vector<std::string> labels;
  std::map<std::string, int> uses;
  for (const WorkerSnapshot& worker : workers) {
    labels.push_back(valid_utf8(worker.name));
    ++uses[labels.back()];
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (uses[labels[i]] == 1) continue;
    labels[i] += "#" + std::to_string(static_cast<std::uint64_t>(workers[i].id));
  }
  return labels;
}

void add_tasks(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
  const Counters& counters = snapshot.counters;
  const std::uint64_t prefetched =
      snapshot.assigned > snapshot.running ? snapshot.assigned - snapshot.running : 0;
  out.push_back(labelled(family("penstock_tasks", MetricType::Gauge,
                                "Tasks the scheduler knows, by what they are doing."),
                         "state",
                         {{"waiting", static_cast<double>(snapshot.waiting)},
                          {"prefetched", static_cast<double>(prefetched)},
                          {"running", static_cast<double>(snapshot.running)}}));
  out.push_back(labelled(family("penstock_tasks_total", MetricType::Counter,
                                "Tasks that came back from workers, by how. Those of input_lost are sent again: a value "
                                "was not there any more, or a broadcast one not yet."),
                         "state",
                         {{"done", static_cast<double>(counters.done)},
                          {"failed", static_cast<double>(counters.failed)},
                          {"cancelled", static_cast<double>(counters.cancelled)},
                          {"input_lost", static_cast<double>(counters.input_lost)}}));
  out.push_back(
      counter("penstock_tasks_submitted_total", "Tasks taken from clients.", counters.submitted));
  out.push_back(counter("penstock_dispatches_total", "Tasks sent to workers, repeats included.",
                        counters.dispatched));
  out.push_back(counter("penstock_redispatches_total",
                        "Tasks sent again after the loss of a worker.", counters.redispatched));
  out.push_back(histogram("penstock_task_latency_seconds",
                          "Time from a task's submission to its outcome.", snapshot.latency));
  out.push_back(histogram("penstock_task_run_seconds", "Time spent in the task's own function.",
                          snapshot.run_time));
}

void add_peers(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
  double threads = 0;
  std::vector<Labelled> memory;
  std::vector<Labelled> cpu;
  const std::vector<std::string> labels = worker_labels(snapshot.workers);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const WorkerSnapshot& worker = snapshot.workers[i];
    threads += worker.threads;
    memory.push_back({labels[i], static_cast<double>(worker.memory)});
    cpu.push_back({labels[i], worker.cpu});
  }
  out.push_back(gauge("penstock_workers", "Workers connected.",
                      static_cast<double>(snapshot.workers.size())));
  out.push_back(gauge("penstock_worker_threads", "Threads of all connected workers.", threads));
  out.push_back(gauge("penstock_clients", "Clients connected.",
                      static_cast<double>(snapshot.clients.size())));
  if (!labels.empty()) {
    out.push_back(labelled(family("penstock_worker_memory_bytes", MetricType::Gauge,
                                  "Resident memory of a worker process."),
                           "worker", memory));
    out.push_back(labelled(family("penstock_worker_cpu_cores", MetricType::Gauge,
                                  "Processor cores a worker process keeps busy."),
                           "worker", cpu));
  }
  const Counters& counters = snapshot.counters;
  out.push_back(counter("penstock_workers_lost_total", "Workers that fell silent or crashed.",
                        counters.workers_lost));
  out.push_back(counter("penstock_clients_lost_total", "Clients that left tasks unfinished.",
                        counters.clients_lost));
  out.push_back(counter("penstock_refused_peers_total", "Peers that were turned away.",
                        counters.refused_peers));
  out.push_back(counter("penstock_dropped_connections_total",
                        "Connections to the cluster port that did not speak the protocol.",
                        counters.dropped_connections));
  out.push_back(labelled(family("penstock_dropped_messages_total", MetricType::Counter,
                                "Harmless messages from peers that were ignored."),
                         "kind",
                         {{"outcome", static_cast<double>(counters.dropped_outcomes)},
                          {"submit", static_cast<double>(counters.dropped_submits)},
                          {"other", static_cast<double>(counters.dropped_other)}}));
}

void add_http(const HttpCounters& http, std::vector<MetricFamily>& out) {
  const std::uint64_t errors = http.client_errors + http.server_errors;
  const std::uint64_t fine = http.requests > errors ? http.requests - errors : 0;
  out.push_back(labelled(family("penstock_http_requests_total", MetricType::Counter,
                                "Requests the dashboard answered, by the answer's class."),
                         "class",
                         {{"ok", static_cast<double>(fine)},
                          {"client_error", static_cast<double>(http.client_errors)},
                          {"server_error", static_cast<double>(http.server_errors)}}));
  out.push_back(counter("penstock_http_dropped_requests_total",
                        "Requests dropped: garbage, over a limit, too slow or cut off.",
                        http.dropped_requests));
  out.push_back(counter("penstock_http_refused_connections_total",
                        "Connections refused because too many were open.",
                        http.refused_connections));
  out.push_back(gauge("penstock_http_connections", "Connections to the dashboard.",
                      static_cast<double>(http.open_connections)));
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot, const HttpCounters& http) {
  std::vector<MetricFamily> families;
  families.push_back(gauge("penstock_uptime_seconds", "Time since the scheduler started.",
                           std::chrono::duration<double>(snapshot.at - snapshot.started).count()));
  add_tasks(snapshot, families);
  add_peers(snapshot, families);
  add_http(http, families);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace penstock::scheduler
