#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "scheduler/dashboard/json.hpp"
#include "tests/scheduler/dashboard_snapshot.hpp"

namespace penstock::scheduler {
namespace {

using nlohmann::json;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'700'000'000)};

json status(const Snapshot& snapshot, const StatusQuery& query = {}) {
  return json::parse(status_json(snapshot, kNow, query));
}

TEST(StatusJson, TellsTimesInMillisecondsSinceTheStart) {
  const json out = status(sample_snapshot());
  EXPECT_EQ(out["at"], 10'000.0);
  EXPECT_EQ(out["unix_ms"], 1'700'000'000'000.0);
  EXPECT_EQ(out["rates"], json::parse("[[9000.0,10,0],[10000.0,12,1]]"));
  EXPECT_EQ(out["workers"][0]["joined"], 2000.0);
  EXPECT_EQ(out["workers"][0]["heard"], 9700.0);
  EXPECT_EQ(out["errors"][0]["at"], 9000.0);
}

TEST(StatusJson, CarriesEveryFigureOfThePage) {
  const json out = status(sample_snapshot());
  EXPECT_EQ(out["tasks"], json::parse(R"({"waiting":7,"assigned":6,"running":4})"));
  EXPECT_EQ(out["counters"]["done"], 80);
  EXPECT_EQ(out["counters"]["refused_peers"], 9);
  EXPECT_EQ(out["throughput"], 12.5);
  EXPECT_EQ(out["latency"], json::parse(R"({"p50":0.4,"p99":25.0})"));
  EXPECT_EQ(out["histograms"]["latency"]["counts"], json::parse("[50,20,10,2]"));
  EXPECT_EQ(out["histograms"]["run"]["upper"], json::parse("[1.0,10.0,100.0]"));
  EXPECT_EQ(out["workers"][1]["name"], "beta");
  EXPECT_EQ(out["plans"][0]["mean_run"], 1.5);
  EXPECT_EQ(out["clients"][0]["name"], "camera");
  EXPECT_EQ(out["errors"][0]["kind"], "raised");
}

TEST(StatusJson, ShowsWhatOfItsResourcesAWorkerHasFree) {
  auto snapshot = sample_snapshot();
  snapshot.workers[0].resources = {{"gpu", 2000}};
  snapshot.workers[0].free = {{"gpu", 500}};
  const json out = status(snapshot);
  EXPECT_EQ(out["workers"][0]["resources"], json::parse(R"({"gpu":{"has":2.0,"free":0.5}})"));
  EXPECT_EQ(out["workers"][1]["resources"], json::object());
}

TEST(StatusJson, ShowsTheProgramsOfClients) {
  auto snapshot = sample_snapshot();
  EXPECT_EQ(status(snapshot)["programs"], json::array());
  snapshot.hosts = 3;
  snapshot.programs = {{"vwap", "\x1f\x3a", 4096, 2, ProgramSnapshot::Place::kHere, 2, 1, "box: no room"}};
  const json out = status(snapshot);
  EXPECT_EQ(out["hosts"], 3);
  EXPECT_EQ(out["programs"], json::parse(R"([{"name":"vwap","sha256":"1f3a","size":4096,"clients":2,"place":"here",
                                              "running":2,"failed":1,"failure":"box: no room"}])"));
}

TEST(StatusJson, WritesATimelineAsArraysThatReferToTheLabels) {
  const json out = status(sample_snapshot());
  EXPECT_EQ(out["labels"], json::parse(R"(["resize","blur"])"));
  EXPECT_EQ(out["workers"][0]["timeline"],
            json::parse("[[[2000.0,250.0,0,5,0],[6000.0,500.0,1,1,1]],[]]"));
}

TEST(StatusJson, LeavesOutWhatEndedBeforeTheMomentAskedFor) {
  StatusQuery query;
  query.since = 2250.0;
  const json out = status(sample_snapshot(), query);
  EXPECT_EQ(out["labels"], json::parse(R"(["blur"])"));
  EXPECT_EQ(out["workers"][0]["timeline"][0], json::parse("[[6000.0,500.0,0,1,1]]"));
}

TEST(StatusJson, KeepsTheNewestSpansOfAThread) {
  StatusQuery query;
  query.max_spans = 1;
  const json out = status(sample_snapshot(), query);
  EXPECT_EQ(out["workers"][0]["timeline"][0], json::parse("[[6000.0,500.0,0,1,1]]"));
}

TEST(StatusJson, LeavesLaterWorkersWithoutTimelinesOverTheLimit) {
  StatusQuery query;
  query.max_timelines = 3;
  const json out = status(sample_snapshot(), query);
  EXPECT_EQ(out["workers"][0]["timeline"].size(), 2u);
  EXPECT_EQ(out["workers"][1]["timeline"].size(), 1u);
}

TEST(StatusJson, EscapesTexts) {
  const std::string text = status_json(sample_snapshot(), kNow);
  EXPECT_NE(text.find(R"(too \"dark\"\n)"), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(StatusJson, ReplacesBytesThatAreNotUtf8) {
  Snapshot snapshot = sample_snapshot();
  snapshot.workers[0].name = "bad\xFF name";
  snapshot.plans[0].label = "cut \xC3";
  const json out = status(snapshot);
  EXPECT_EQ(out["workers"][0]["name"], "bad\xEF\xBF\xBD name");
  EXPECT_EQ(out["plans"][0]["label"], "cut \xEF\xBF\xBD");
}

TEST(StatusJson, CutsALongErrorTextEvenInTheMiddleOfACharacter) {
  Snapshot snapshot = sample_snapshot();
  snapshot.errors[0].failure.text = "\xC3\xA9\xC3\xA9";
  StatusQuery query;
  query.max_text = 3;
  EXPECT_EQ(status(snapshot, query)["errors"][0]["text"], "\xC3\xA9\xEF\xBF\xBD");
}

TEST(StatusJson, WritesZeroForNumbersThatAreNotFinite) {
  Snapshot snapshot = sample_snapshot();
  snapshot.throughput = std::numeric_limits<double>::infinity();
  snapshot.workers[0].cpu = std::numeric_limits<double>::quiet_NaN();
  const json out = status(snapshot);
  EXPECT_EQ(out["throughput"], 0.0);
  EXPECT_EQ(out["workers"][0]["cpu"], 0.0);
}

TEST(StatusJson, HasEmptyListsWhenNothingIsConnected) {
  const json out = status(Snapshot{});
  for (const char* key : {"rates", "labels", "workers", "plans", "clients", "errors"}) {
    EXPECT_EQ(out[key], json::array()) << key;
  }
}

TEST(StatusJson, NamesEveryKindOfFailure) {
  Snapshot snapshot;
  for (int kind = 0; kind <= static_cast<int>(FailureKind::kTimedOut); ++kind) {
    Failure failure;
    failure.kind = static_cast<FailureKind>(kind);
    snapshot.errors.push_back({snapshot.at, failure});
  }
  const json out = status(snapshot);
  for (const json& error : out["errors"]) EXPECT_NE(error["kind"], "unknown");
}

TEST(HealthJson, TellsWorkersAndUptime) {
  EXPECT_EQ(json::parse(health_json(sample_snapshot())),
            json::parse(R"({"status":"ok","workers":2,"uptime_seconds":10.0})"));
}

}  // namespace
}  // namespace penstock::scheduler
