#include "scheduler/dashboard/json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"

namespace penstock::scheduler {
namespace {

using nlohmann::json;

double finite(double value) { return std::isfinite(value) ? value : 0.0; }

// Two decimals of a millisecond are finer than anything the page can draw.
double rounded(double milliseconds) { return std::round(finite(milliseconds) * 100.0) / 100.0; }

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string_view kind_name(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRaised:
      return "raised";
    case FailureKind::kWorkerLost:
      return "worker_lost";
    case FailureKind::kCodeNotAvailable:
      return "code_not_available";
    case FailureKind::kNoWorker:
      return "no_worker";
    case FailureKind::kBadArguments:
      return "bad_arguments";
    case FailureKind::kRefused:
      return "refused";
    case FailureKind::kCancelled:
      return "cancelled";
    case FailureKind::kInputLost:
      return "input_lost";
    case FailureKind::kTimedOut:
      return "timed_out";
  }
  return "unknown";
}

std::string_view place_name(ProgramSnapshot::Place place) {
  switch (place) {
    case ProgramSnapshot::Place::kClient:
      return "client";
    case ProgramSnapshot::Place::kComing:
      return "coming";
    case ProgramSnapshot::Place::kHere:
      return "here";
  }
  return "unknown";
}

class StatusWriter {
 public:
  StatusWriter(const Snapshot& snapshot, const StatusQuery& query)
      : snapshot_(snapshot), query_(query) {}

  json write(std::chrono::system_clock::time_point now) {
    const auto unix_time = std::chrono::duration<double, std::milli>(now.time_since_epoch());
    json out = {{"version", 1},
                {"unix_ms", std::round(unix_time.count())},
                {"at", at(snapshot_.at)},
                {"throughput", finite(snapshot_.throughput)}};
    out["tasks"] = {{"waiting", snapshot_.waiting},
                    {"assigned", snapshot_.assigned},
                    {"running", snapshot_.running}};
    out["latency"] = {{"p50", rounded(snapshot_.latency_p50 * 1000)},
                      {"p99", rounded(snapshot_.latency_p99 * 1000)}};
    out["counters"] = counters();
    out["rates"] = rates();
    out["histograms"] = {{"latency", histogram(snapshot_.latency)},
                         {"run", histogram(snapshot_.run_time)}};
    out["workers"] = workers();
    out["labels"] = labels_;
    out["plans"] = plans();
    out["clients"] = clients();
    out["hosts"] = snapshot_.hosts;
    out["programs"] = programs();
    out["errors"] = errors();
    return out;
  }

 private:
  double at(TimePoint time) const { return rounded(milliseconds(time - snapshot_.started)); }

  json counters() const {
    const Counters& counters = snapshot_.counters;
    return {{"submitted", counters.submitted},
            {"done", counters.done},
            {"failed", counters.failed},
            {"cancelled", counters.cancelled},
            {"input_lost", counters.input_lost},
            {"dispatched", counters.dispatched},
            {"redispatched", counters.redispatched},
            {"workers_lost", counters.workers_lost},
            {"clients_lost", counters.clients_lost},
            {"dropped_outcomes", counters.dropped_outcomes},
            {"dropped_submits", counters.dropped_submits},
            {"dropped_other", counters.dropped_other},
            {"refused_peers", counters.refused_peers},
            {"dropped_connections", counters.dropped_connections}};
  }

  json rates() const {
    json out = json::array();
    for (const RateSample& rate : snapshot_.rates) {
      out.push_back(json::array({at(rate.at), rate.done, rate.failed}));
    }
    return out;
  }

  static json histogram(const HistogramSnapshot& histogram) {
    json upper = json::array();
    for (const double bound : histogram.upper_seconds) upper.push_back(finite(bound * 1000));
    return {{"upper", std::move(upper)},
            {"counts", histogram.counts},
            {"count", histogram.count},
            {"sum", finite(histogram.sum_seconds * 1000)}};
  }

  json workers() {
    json out = json::array();
    for (const WorkerSnapshot& worker : snapshot_.workers) {
      out.push_back({{"id", static_cast<std::uint64_t>(worker.id)},
                     {"name", worker.name},
                     {"threads", worker.threads},
                     {"memory", worker.memory},
                     {"memory_limit", worker.memory_limit},
                     {"cpu", std::round(finite(worker.cpu) * 1000) / 1000},
                     {"assigned", worker.assigned},
                     {"done", worker.done},
                     {"failed", worker.failed},
                     {"waiting", worker.waiting},
                     {"resources", resources(worker)},
                     {"leaving", worker.leaving},
                     {"joined", at(worker.joined)},
                     {"heard", at(worker.heard)},
                     {"timeline", timelines(worker)}});
    }
    return out;
  }

  static json resources(const WorkerSnapshot& worker) {
    json out = json::object();
    for (const auto& [name, amount] : worker.resources) {
      const auto free = worker.free.find(name);
      out[name] = {{"has", in_units(amount)}, {"free", free != worker.free.end() ? in_units(free->second) : 0}};
    }
    return out;
  }

  static double in_units(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

  json timelines(const WorkerSnapshot& worker) {
    json out = json::array();
    for (const std::vector<Span>& spans : worker.timeline) {
      if (timelines_written_ == query_.max_timelines) break;
      ++timelines_written_;
      out.push_back(timeline(spans));
    }
    return out;
  }

  json timeline(const std::vector<Span>& spans) {
    json out = json::array();
    const std::size_t skipped =
        spans.size() > query_.max_spans ? spans.size() - query_.max_spans : 0;
    for (std::size_t i = skipped; i < spans.size(); ++i) {
      const Span& span = spans[i];
      if (query_.since && at(span.end) <= *query_.since) continue;
      out.push_back(json::array({at(span.begin), rounded(milliseconds(span.end - span.begin)),
                                 label_index(span.label), span.tasks, span.failed ? 1 : 0}));
    }
    return out;
  }

  std::size_t label_index(const std::string& label) {
    const auto [found, is_new] = label_indices_.try_emplace(label, labels_.size());
    if (is_new) labels_.push_back(label);
    return found->second;
  }

  json plans() const {
    json out = json::array();
    for (const PlanSnapshot& plan : snapshot_.plans) {
      out.push_back({{"id", static_cast<std::uint64_t>(plan.id)},
                     {"label", plan.label},
                     {"waiting", plan.waiting},
                     {"assigned", plan.assigned},
                     {"done", plan.done},
                     {"failed", plan.failed},
                     {"mean_run", finite(milliseconds(plan.mean_run))}});
    }
    return out;
  }

  json clients() const {
    json out = json::array();
    for (const ClientSnapshot& client : snapshot_.clients) {
      out.push_back({{"id", static_cast<std::uint64_t>(client.id)},
                     {"name", client.name},
                     {"waiting", client.waiting},
                     {"assigned", client.assigned},
                     {"done", client.done},
                     {"failed", client.failed},
                     {"joined", at(client.joined)}});
    }
    return out;
  }

  json programs() const {
    json out = json::array();
    for (const ProgramSnapshot& program : snapshot_.programs) {
      out.push_back({{"name", program.name},
                     {"sha256", absl::BytesToHexString(program.sha256)},
                     {"size", program.size},
                     {"clients", program.clients},
                     {"place", place_name(program.place)},
                     {"running", program.running},
                     {"failed", program.failed},
                     {"failure", program.failure.substr(0, query_.max_text)}});
    }
    return out;
  }

  json errors() const {
    json out = json::array();
    for (const ErrorSample& error : snapshot_.errors) {
      const Failure& failure = error.failure;
      out.push_back({{"at", at(error.at)},
                     {"kind", kind_name(failure.kind)},
                     {"type", failure.type.substr(0, query_.max_text)},
                     {"text", failure.text.substr(0, query_.max_text)},
                     {"task", failure.task},
                     {"worker", failure.worker},
                     {"attempt", failure.attempt}});
    }
    return out;
  }

  const Snapshot& snapshot_;
  const StatusQuery& query_;
  std::size_t timelines_written_ = 0;
  std::vector<std::string> labels_;
  std::unordered_map<std::string, std::size_t> label_indices_;
};

// Names come from other processes; one that is not UTF-8 must not take the page down.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string status_json(const Snapshot& snapshot, std::chrono::system_clock::time_point now,
                        const StatusQuery& query) {
  return dump(StatusWriter(snapshot, query).write(now));
}

std::string health_json(const Snapshot& snapshot) {
  return dump({{"status", "ok"},
               {"workers", snapshot.workers.size()},
               {"uptime_seconds", rounded(milliseconds(snapshot.at - snapshot.started) / 1000)}});
}

}  // namespace penstock::scheduler
