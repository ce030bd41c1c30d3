#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>

#include "scheduler/dashboard/metrics.hpp"
#include "scheduler/dashboard/utf8.hpp"
#include "tests/scheduler/dashboard_snapshot.hpp"

namespace penstock::scheduler {
namespace {

// A strict reader of the text format: every departure from its rules is a test failure.
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line must end";
    EXPECT_EQ(valid_utf8(text), text);
    std::vector<std::string> lines = absl::StrSplit(text, '\n');
    lines.pop_back();
    for (const std::string& line : lines) read(line);
    check_histograms();
  }

  // The value of a series written as in the text: name{label="value"}.
  double value(const std::string& series) const {
    const auto found = values_.find(series);
    if (found == values_.end()) ADD_FAILURE() << "no series " << series;
    return found == values_.end() ? std::nan("") : found->second;
  }

  bool has(const std::string& series) const { return values_.count(series) > 0; }
  std::string type(const std::string& family) const { return types_.at(family); }

 private:
  void read(const std::string& line) {
    std::smatch match;
    static const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)");
    static const std::regex type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
    static const std::regex sample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*",?)+\})? (\S+))re");
    if (std::regex_match(line, match, help)) {
      EXPECT_TRUE(helped_.insert(match[1]).second) << "second HELP: " << line;
    } else if (std::regex_match(line, match, type)) {
      EXPECT_TRUE(types_.emplace(match[1], match[2]).second) << "second TYPE: " << line;
      current_ = match[1];
    } else if (std::regex_match(line, match, sample)) {
      read_sample(line, match[1], match[2], match[5]);
    } else {
      ADD_FAILURE() << "not a valid line: " << line;
    }
  }

  void read_sample(const std::string& line, const std::string& name, const std::string& labels,
                   const std::string& number) {
    double parsed = 0;
    EXPECT_TRUE(absl::SimpleAtod(number == "+Inf" ? "inf" : number, &parsed)) << line;
    EXPECT_TRUE(values_.emplace(name + labels, parsed).second) << "twice: " << line;
    std::string family = name;
    if (types_[current_] == "histogram") {
      for (const char* suffix : {"_bucket", "_sum", "_count"}) {
        if (name == current_ + suffix) family = current_;
      }
      if (name == current_ + "_bucket") buckets_[current_].emplace_back(labels, parsed);
    }
    EXPECT_EQ(family, current_) << "a sample outside of its family: " << line;
    EXPECT_TRUE(helped_.count(family)) << "no HELP: " << line;
    EXPECT_GE(parsed, 0) << line;
    const bool counts = types_[family] == "counter";
    EXPECT_EQ(counts, absl::EndsWith(name, "_total")) << "counters and only they end so: " << line;
  }

  void check_histograms() const {
    for (const auto& [family, buckets] : buckets_) {
      double last_bound = -1;
      double last_count = 0;
      for (const auto& [labels, count] : buckets) {
        std::smatch match;
        ASSERT_TRUE(std::regex_match(labels, match, std::regex(R"re(\{le="([^"]+)"\})re")));
        double bound = std::numeric_limits<double>::infinity();
        ASSERT_TRUE(match[1] == "+Inf" || absl::SimpleAtod(match[1].str(), &bound));
        EXPECT_GT(bound, last_bound);
        EXPECT_GE(count, last_count) << "buckets are cumulative";
        last_bound = bound;
        last_count = count;
      }
      EXPECT_TRUE(std::isinf(last_bound)) << family << " needs a last bucket of +Inf";
      EXPECT_EQ(last_count, value(family + "_count"));
      EXPECT_TRUE(has(family + "_sum"));
    }
  }

  std::string current_;
  std::set<std::string> helped_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> values_;
  std::map<std::string, std::vector<std::pair<std::string, double>>> buckets_;
};

TEST(Metrics, CountTasksByStatesThatDoNotOverlap) {
  const Exposition out(metrics_text(sample_snapshot(), {}));
  EXPECT_EQ(out.value(R"(penstock_tasks{state="waiting"})"), 7);
  EXPECT_EQ(out.value(R"(penstock_tasks{state="prefetched"})"), 2);
  EXPECT_EQ(out.value(R"(penstock_tasks{state="running"})"), 4);
  EXPECT_EQ(out.value(R"(penstock_tasks_total{state="done"})"), 80);
  EXPECT_EQ(out.value(R"(penstock_tasks_total{state="failed"})"), 2);
  EXPECT_EQ(out.value(R"(penstock_tasks_total{state="cancelled"})"), 5);
  EXPECT_EQ(out.value(R"(penstock_tasks_total{state="input_lost"})"), 11);
  EXPECT_EQ(out.value("penstock_redispatches_total"), 3);
}

TEST(Metrics, DescribeWorkers) {
  const Exposition out(metrics_text(sample_snapshot(), {}));
  EXPECT_EQ(out.value("penstock_workers"), 2);
  EXPECT_EQ(out.value("penstock_worker_threads"), 4);
  EXPECT_EQ(out.value(R"(penstock_worker_memory_bytes{worker="alpha"})"), 50'000'000);
  EXPECT_EQ(out.value(R"(penstock_worker_cpu_cores{worker="beta"})"), 1.25);
  EXPECT_EQ(out.type("penstock_worker_memory_bytes"), "gauge");
}

TEST(Metrics, HistogramsAreCumulativeAndEndAtInfinity) {
  const Exposition out(metrics_text(sample_snapshot(), {}));
  EXPECT_EQ(out.type("penstock_task_latency_seconds"), "histogram");
  EXPECT_EQ(out.value(R"(penstock_task_latency_seconds_bucket{le="+Inf"})"), 82);
  EXPECT_EQ(out.value("penstock_task_latency_seconds_sum"), 3.5);
  EXPECT_EQ(out.value("penstock_task_run_seconds_count"), 82);
}

TEST(Metrics, AreValidWhenNothingEverHappened) {
  const Exposition out(metrics_text(Snapshot{}, {}));
  EXPECT_EQ(out.value("penstock_workers"), 0);
  EXPECT_EQ(out.value("penstock_task_latency_seconds_count"), 0);
}

TEST(Metrics, CountWhatWasDropped) {
  HttpCounters http;
  http.requests = 10;
  http.client_errors = 3;
  http.server_errors = 1;
  http.dropped_requests = 4;
  http.refused_connections = 5;
  const Exposition out(metrics_text(sample_snapshot(), http));
  EXPECT_EQ(out.value(R"(penstock_dropped_messages_total{kind="outcome"})"), 4);
  EXPECT_EQ(out.value(R"(penstock_dropped_messages_total{kind="submit"})"), 6);
  EXPECT_EQ(out.value(R"(penstock_dropped_messages_total{kind="other"})"), 8);
  EXPECT_EQ(out.value("penstock_refused_peers_total"), 9);
  EXPECT_EQ(out.value(R"(penstock_http_requests_total{class="ok"})"), 6);
  EXPECT_EQ(out.value("penstock_http_dropped_requests_total"), 4);
  EXPECT_EQ(out.value("penstock_http_refused_connections_total"), 5);
}

TEST(Metrics, TellWorkersOfOneNameApart) {
  Snapshot snapshot = sample_snapshot();
  snapshot.workers[1].name = "alpha";
  const Exposition out(metrics_text(snapshot, {}));
  EXPECT_TRUE(out.has(R"(penstock_worker_memory_bytes{worker="alpha#1"})"));
  EXPECT_TRUE(out.has(R"(penstock_worker_memory_bytes{worker="alpha#2"})"));
}

TEST(Metrics, StayValidWithHostileNames) {
  Snapshot snapshot = sample_snapshot();
  snapshot.workers[0].name = "a\"b\\c\nd\xFF}";
  const Exposition out(metrics_text(snapshot, {}));
  EXPECT_TRUE(out.has("penstock_worker_memory_bytes{worker=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD}\"}"));
}

TEST(Utf8, KeepsWhatIsValidAndReplacesTheRest) {
  EXPECT_EQ(valid_utf8(""), "");
  EXPECT_EQ(valid_utf8("pl\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x92\xA7"),
            "pl\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x92\xA7");
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("\x80"), replaced);
  EXPECT_EQ(valid_utf8("\xC0\xAF"), replaced + replaced) << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), replaced + replaced + replaced) << "surrogate";
  EXPECT_EQ(valid_utf8("\xE2\x82"), replaced + replaced) << "cut off";
}

}  // namespace
}  // namespace penstock::scheduler
