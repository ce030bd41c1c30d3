#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class SnapshotOfCore : public SchedulerCoreTest {
 protected:
  // One task of client 1 from submit to outcome, which takes `latency`.
  void run_one(std::uint64_t id, Duration latency, Result result = absl::Cord("y")) {
    submit(1, id);
    taken();
    advance(latency);
    const std::uint64_t generation = ++generation_;
    finish(1, task_id(0, generation), 1, std::move(result), latency / 2);
    taken();
  }

 private:
  std::uint64_t generation_ = 0;
};

TEST_F(SnapshotOfCore, ShowsWhatWaitsRunsAndIsAssigned) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  measure(1, 15ms);
  for (std::uint64_t id = 2; id <= 7; ++id) {
    submit(1, id);
    taken();
  }
  const Snapshot shown = snapshot();
  EXPECT_EQ(shown.assigned, 4u);
  EXPECT_EQ(shown.running, 2u);
  EXPECT_EQ(shown.waiting, 2u);
  EXPECT_EQ(shown.clients.at(0).waiting, 2u);
  EXPECT_EQ(shown.clients.at(0).assigned, 4u);
  EXPECT_EQ(shown.plans.at(0).waiting, 2u);
  EXPECT_EQ(shown.plans.at(0).assigned, 4u);
  EXPECT_EQ(shown.plans.at(0).mean_run, 15ms);
  EXPECT_EQ(shown.workers.at(0).assigned, 4u);
  EXPECT_EQ(shown.workers.at(0).done, 1u);
  EXPECT_EQ(shown.counters.dispatched, 5u);
}

TEST_F(SnapshotOfCore, ShowsTheRateOfTheLastWholeSecond) {
  have_one_of_each();
  for (std::uint64_t id = 1; id <= 8; ++id) run_one(id, 100ms);
  EXPECT_EQ(snapshot().throughput, 0);
  advance(200ms);
  EXPECT_EQ(snapshot().throughput, 8);
  EXPECT_EQ(snapshot().rates.size(), 1u);
  advance(2s);
  EXPECT_EQ(snapshot().throughput, 0);
  const auto rates = snapshot().rates;
  ASSERT_EQ(rates.size(), 3u);
  EXPECT_EQ(rates[0].done, 8u);
  EXPECT_EQ(rates[0].at, TimePoint{101s});
}

TEST_F(SnapshotOfCore, ShowsRatesOfSixtySecondsAtMost) {
  have_one_of_each();
  run_one(1, 500ms);
  advance(2min);
  run_one(2, 1ms);
  advance(1s);
  const auto rates = snapshot().rates;
  ASSERT_EQ(rates.size(), 60u);
  EXPECT_EQ(rates.back().done, 1u);
  EXPECT_EQ(rates.front().done, 0u);
}

TEST_F(SnapshotOfCore, ShowsPercentilesOfTheLastTenSeconds) {
  have_one_of_each();
  for (std::uint64_t id = 1; id <= 20; ++id) run_one(id, 10ms);
  EXPECT_NEAR(snapshot().latency_p50, 0.010, 0.003);
  EXPECT_NEAR(snapshot().latency_p99, 0.010, 0.003);
  advance(11s);
  EXPECT_EQ(snapshot().latency_p50, 0);
  EXPECT_EQ(snapshot().latency.count, 20u);
  EXPECT_NEAR(snapshot().run_time.sum_seconds, 0.1, 1e-6);
}

TEST_F(SnapshotOfCore, ShowsTimelinesPerThread) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  submit(1, 1);
  taken();
  advance(100ms);
  handle(TaskFinished{WorkerId{1}, task_id(0), 1, absl::Cord(), 1, 100ms});
  taken();
  const auto timeline = snapshot().workers.at(0).timeline;
  ASSERT_EQ(timeline.size(), 2u);
  EXPECT_THAT(timeline[0], IsEmpty());
  ASSERT_EQ(timeline[1].size(), 1u);
  EXPECT_EQ(timeline[1][0].label, "square");
  EXPECT_EQ(timeline[1][0].end - timeline[1][0].begin, 100ms);
}

TEST_F(SnapshotOfCore, IgnoresImpossibleThreadsAndRunTimes) {
  have_one_of_each();
  submit(1, 1);
  taken();
  handle(TaskFinished{WorkerId{1}, task_id(0), 1, absl::Cord(), 77, Duration::min()});
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = ''"));
  EXPECT_EQ(snapshot().run_time.sum_seconds, 0);
}

TEST_F(SnapshotOfCore, KeepsTheLastHundredErrorsAndShortensThem) {
  have_one_of_each();
  for (std::uint64_t id = 1; id <= 130; ++id) {
    run_one(id, 1ms, Failure{FailureKind::kRaised, "E", std::to_string(id)});
  }
  run_one(131, 1ms, Failure{FailureKind::kRaised, "E", std::string(100'000, 'x')});
  const auto errors = snapshot().errors;
  ASSERT_EQ(errors.size(), 100u);
  EXPECT_EQ(errors[0].failure.text, "32");
  EXPECT_EQ(errors[98].failure.text, "130");
  EXPECT_EQ(errors[99].failure.text.size(), 2003u);
  EXPECT_EQ(errors[99].failure.worker, "w1");
  EXPECT_EQ(counters().failed, 131u);
}

TEST_F(SnapshotOfCore, ShowsWhenThePeersJoinedAndWereHeard) {
  have_one_of_each();
  advance(3s);
  handle(WorkerHeard{WorkerId{1}});
  const Snapshot shown = snapshot();
  EXPECT_EQ(shown.started, TimePoint{100s});
  EXPECT_EQ(shown.workers.at(0).joined, TimePoint{100s});
  EXPECT_EQ(shown.workers.at(0).heard, TimePoint{103s});
  EXPECT_EQ(shown.clients.at(0).joined, TimePoint{100s});
}

}  // namespace
}  // namespace penstock::scheduler::testing
