// Serves the dashboard with made-up figures of a busy cluster, for working on the pages:
//   dashboard_preview [PORT] [empty]
// Prints the page's address. Ends with its standard input, or by a signal.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "scheduler/dashboard/server.hpp"

namespace penstock::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Kind {
  const char* label;
  double mean_ms;
  double share;
};
constexpr Kind kKinds[] = {{"decode_frame", 35, 0.4},
                           {"detect_edges", 140, 0.35},
                           {"match_templates", 420, 0.15},
                           {"write_thumbnail", 18, 0.1}};
constexpr int kWorkers = 4;
constexpr int kThreads = 2;

// A cluster whose threads are always busy, simulated up to the moment of each look at it.
class MadeUpCluster {
 public:
  MadeUpCluster() : started_(now() - seconds(75)) {
    snapshot_.started = started_;
    for (int i = 0; i < kWorkers; ++i) add_worker(i);
    for (const Kind& kind : kKinds) add_plan(kind);
    add_client("camera-ingest", 2);
    add_client("nightly-report", 40);
    snapshot_.hosts = 3;
    snapshot_.programs = {{"nightly-report", std::string(32, '\x5a'), 8 << 20, 1, ProgramSnapshot::Place::kHere, 2, 0, ""}};
    for (std::size_t i = 0; i < std::size(free_at_); ++i) free_at_[i] = started_;
    snapshot_.latency = snapshot_.run_time = empty_histogram();
  }

  Snapshot snapshot() {
    const std::lock_guard lock(mutex_);
    snapshot_.at = now();
    for (int i = 0; i < kWorkers * kThreads; ++i) run_thread(i);
    std::sort(snapshot_.errors.begin(), snapshot_.errors.end(),
              [](const ErrorSample& a, const ErrorSample& b) { return a.at < b.at; });
    describe();
    return snapshot_;
  }

 private:
  static TimePoint now() { return std::chrono::steady_clock::now(); }

  static HistogramSnapshot empty_histogram() {
    HistogramSnapshot out;
    for (int i = 0; i < 40; ++i) out.upper_seconds.push_back(20e-6 * std::pow(2, 0.5 * (i + 1)));
    out.counts.resize(41);
    return out;
  }

  static void count(HistogramSnapshot& histogram, double value) {
    const auto& bounds = histogram.upper_seconds;
    ++histogram.counts[std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin()];
    ++histogram.count;
    histogram.sum_seconds += value;
  }

  void add_worker(int i) {
    WorkerSnapshot worker;
    worker.id = WorkerId{static_cast<std::uint64_t>(i + 1)};
    worker.name = "mill-" + std::to_string(i + 1) + (i == 3 ? ".rack-7.example.net" : "");
    worker.threads = kThreads;
    worker.memory_limit = i < 3 ? 2ull << 30 : 0;
    worker.leaving = false;
    if (i < 2) worker.resources = worker.free = {{"gpu", 2000}, {"memory", (std::int64_t{2} << 30) * 1000}};
    if (i == 1) worker.free["gpu"] = 500;
    worker.joined = started_ + milliseconds(200 * i);
    worker.timeline.resize(kThreads);
    snapshot_.workers.push_back(worker);
  }

  void add_plan(const Kind& kind) {
    PlanSnapshot plan;
    plan.id = PlanId{snapshot_.plans.size() + 1};
    plan.label = kind.label;
    plan.mean_run = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(kind.mean_ms));
    snapshot_.plans.push_back(plan);
  }

  void add_client(const char* name, int joined_seconds) {
    ClientSnapshot client;
    client.id = ClientId{snapshot_.clients.size() + 1};
    client.name = name;
    client.joined = started_ + seconds(joined_seconds);
    snapshot_.clients.push_back(client);
  }

  std::size_t pick_kind() {
    double left = std::uniform_real_distribution<>(0, 1)(random_);
    for (std::size_t i = 0; i < std::size(kKinds); ++i) {
      if ((left -= kKinds[i].share) < 0) return i;
    }
    return 0;
  }

  void run_thread(int index) {
    auto& timeline = snapshot_.workers[index / kThreads].timeline[index % kThreads];
    TimePoint& free_at = free_at_[index];
    while (true) {
      const std::size_t kind = pick_kind();
      const double ms = kKinds[kind].mean_ms * std::lognormal_distribution<>(0, 0.35)(random_);
      const double load = 0.75 + 0.25 * std::sin((free_at - started_).count() / 6e9);
      const double pause = ms * (1 - load) * (index % 3 == 0 ? 3 : 1) + 2;
      const TimePoint begin = free_at + std::chrono::microseconds(int(pause * 1000));
      const TimePoint end = begin + std::chrono::microseconds(int(ms * 1000));
      if (end > snapshot_.at) break;
      const bool failed = std::uniform_int_distribution<>(0, 149)(random_) == 0;
      timeline.push_back({begin, end, kKinds[kind].label, 1, failed});
      finish(index, kind, end, ms / 1000, failed);
      free_at = end;
    }
    const auto is_old = [this](const Span& one) { return one.end < snapshot_.at - seconds(30); };
    timeline.erase(timeline.begin(), std::find_if_not(timeline.begin(), timeline.end(), is_old));
  }

  void finish(int index, std::size_t kind, TimePoint end, double run, bool failed) {
    WorkerSnapshot& worker = snapshot_.workers[index / kThreads];
    ClientSnapshot& client = snapshot_.clients[kind == 3 ? 1 : 0];
    ++(failed ? worker.failed : worker.done);
    ++(failed ? client.failed : client.done);
    ++(failed ? snapshot_.plans[kind].failed : snapshot_.plans[kind].done);
    ++(failed ? snapshot_.counters.failed : snapshot_.counters.done);
    count(snapshot_.run_time, run);
    count(snapshot_.latency, run * 1.3 + 0.02);
    const std::size_t second = (end - started_) / seconds(1);
    if (per_second_.size() <= second) per_second_.resize(second + 1);
    ++(failed ? per_second_[second].failed : per_second_[second].done);
    if (failed) add_error(worker.name, kind, end);
  }

  void add_error(const std::string& worker, std::size_t kind, TimePoint at) {
    const bool is_bad_input = kind % 2 == 0;
    Failure failure;
    failure.type = is_bad_input ? "std::invalid_argument" : "cv::Exception";
    failure.text = is_bad_input
                       ? "frame 48121 has 0 rows"
                       : "OpenCV(4.6.0) ./modules/core/src/matrix.cpp:809: error: (-215:Assertion "
                         "failed) 0 <= roi.x && 0 <= roi.width && roi.x + roi.width <= m.cols";
    failure.task = kKinds[kind].label;
    failure.worker = worker;
    failure.attempt = 1;
    snapshot_.errors.push_back({at, failure});
    if (snapshot_.errors.size() > 100) snapshot_.errors.erase(snapshot_.errors.begin());
  }

  void describe() {
    const double t = std::chrono::duration<double>(snapshot_.at - started_).count();
    snapshot_.waiting = static_cast<std::uint64_t>(180 + 120 * std::sin(t / 5));
    snapshot_.running = kWorkers * kThreads - (std::fmod(t, 3) < 1 ? 1 : 0);
    snapshot_.assigned = snapshot_.running + 6;
    snapshot_.latency_p50 = 0.075 + 0.01 * std::sin(t / 3);
    snapshot_.latency_p99 = 0.61 + 0.08 * std::sin(t / 4);
    describe_workers(t);
    describe_rates();
    for (std::size_t i = 0; i < snapshot_.plans.size(); ++i) {
      snapshot_.plans[i].waiting = static_cast<std::uint64_t>(snapshot_.waiting * kKinds[i].share);
      snapshot_.plans[i].assigned = i < 2 ? snapshot_.assigned / 2 : 1;
    }
    snapshot_.clients[0].waiting = snapshot_.waiting;
    snapshot_.clients[0].assigned = snapshot_.assigned;
    Counters& counters = snapshot_.counters;
    counters.submitted = counters.done + counters.failed + snapshot_.waiting + snapshot_.assigned;
  }

  void describe_workers(double t) {
    for (int i = 0; i < kWorkers; ++i) {
      WorkerSnapshot& worker = snapshot_.workers[i];
      worker.cpu = kThreads * (0.72 + 0.2 * std::sin(t / 6 + i));
      worker.memory =
          static_cast<std::uint64_t>((300 + 480 * i + 60 * std::sin(t + i)) * (1 << 20));
      worker.assigned = 3 + i % 2;
      worker.waiting = i == 2 ? 1 : 0;
      worker.heard = snapshot_.at - milliseconds(int(1000 * std::fmod(t + 0.23 * i, 1)));
    }
  }

  void describe_rates() {
    snapshot_.rates.clear();
    const std::size_t whole = (snapshot_.at - started_) / seconds(1);
    per_second_.resize(std::max(per_second_.size(), whole + 1));
    for (std::size_t i = whole > 60 ? whole - 60 : 0; i < whole; ++i) {
      snapshot_.rates.push_back(
          {started_ + seconds(i + 1), per_second_[i].done, per_second_[i].failed});
    }
    const RateSample& last = snapshot_.rates.back();
    snapshot_.throughput = static_cast<double>(last.done + last.failed);
  }

  std::mutex mutex_;
  std::mt19937 random_{7};
  const TimePoint started_;
  TimePoint free_at_[kWorkers * kThreads];
  std::vector<RateSample> per_second_;
  Snapshot snapshot_;
};

int serve(std::uint16_t port, bool is_empty) {
  DashboardOptions options;
  options.port = port;
  MadeUpCluster cluster;
  const TimePoint started = std::chrono::steady_clock::now();
  const auto dashboard = Dashboard::start(options, [&] {
    if (!is_empty) return cluster.snapshot();
    Snapshot empty;
    empty.started = started;
    empty.at = std::chrono::steady_clock::now();
    return empty;
  });
  if (!dashboard.ok()) {
    std::cerr << dashboard.status() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << (*dashboard)->url() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) continue;
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace penstock::scheduler

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const bool is_empty = argc > 2 && std::string_view(argv[2]) == "empty";
  return penstock::scheduler::serve(static_cast<std::uint16_t>(port), is_empty);
}
