#include "worker/driver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/limits.hpp"
#include "tests/worker/inbound.hpp"

namespace penstock::worker {
namespace {

constexpr std::size_t kNoLimit = 1 << 30;

// A link that counts how often it is asked to write, and to look later.
class CountingOutlet : public Outlet {
 public:
  void pump() override { ++pumps; }
  void look_at_the_time() override { ++looks; }
  void remind() override { ++reminders; }
  std::atomic<int> pumps{0};
  std::atomic<int> reminders{0};
  std::atomic<int> looks{0};
};

std::shared_ptr<const RunnablePlan> within_a_second() {
  RunnablePlan plan = *echo();
  plan.timeout = std::chrono::seconds(1);
  return std::make_shared<const RunnablePlan>(std::move(plan));
}

// It is asked on another thread.
bool is_asked_to_stop(const Job& job) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!job.stop.stop_requested() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return job.stop.stop_requested();
}

// One thread's turn, without a thread.
class WorkerDriver : public ::testing::Test {
 protected:
  void SetUp() override {
    values_->open();
    driver_->connected(outlet_);
    Outbound out;
    ASSERT_EQ(driver_->take(out, kNoLimit), Take::kNothing);  // the link is able to write
    Inbound inbound = definition(echo());
    driver_->arrived(inbound);
  }
  void arrive(Inbound inbound) { driver_->arrived(inbound); }
  Outbound take(std::size_t max_bytes = kNoLimit) {
    Outbound out;
    EXPECT_EQ(driver_->take(out, max_bytes), Take::kBatch);
    return out;
  }

  // A value as the executor makes it.
  Kept kept() {
    std::string bytes = "large";
    return Kept{values_->admit(bytes)};
  }
  bool holds(std::uint64_t task) const { return values_->find({TaskId{task}, 1}) != nullptr; }
  std::shared_ptr<CountingOutlet> outlet_ = std::make_shared<CountingOutlet>();
  std::shared_ptr<ValueStore> values_ = std::make_shared<ValueStore>(ValueStoreLimits{1000});
  std::shared_ptr<Driver> driver_ =
      std::make_shared<Driver>(CoreOptions{.threads = 1, .max_queued = 1000}, values_);
};

TEST_F(WorkerDriver, HandsOverTheNextJobInTheSameCall) {
  arrive(tasks(1, 2));
  const Job* job = driver_->first(0);
  EXPECT_EQ(job->task, TaskId{1});
  job = driver_->next(0, "a", Duration(1));
  EXPECT_EQ(job->task, TaskId{2});
  EXPECT_EQ(job->input, "x");
}

TEST_F(WorkerDriver, AsksATaskToStopThatRunsForTooLongAndGivesItUpLater) {
  arrive(definition(within_a_second()));
  const auto start = std::chrono::steady_clock::now();
  arrive(tasks(1, 2));
  const Job* const job = driver_->first(0);
  EXPECT_EQ(outlet_->looks, 1);
  EXPECT_GE(driver_->check_time(start), start + std::chrono::seconds(1));
  EXPECT_FALSE(job->stop.stop_requested());
  const auto late = start + std::chrono::seconds(10);
  EXPECT_EQ(driver_->check_time(late), late + Driver::kGrace);
  EXPECT_TRUE(is_asked_to_stop(*job));
  EXPECT_FALSE(driver_->has_lost_a_thread());
  driver_->check_time(late + Driver::kGrace);
  EXPECT_TRUE(driver_->has_lost_a_thread());
  Outbound out = take();
  ASSERT_EQ(out.done.size(), 1u);
  EXPECT_EQ(std::get<Failure>(out.done[0].result).kind, FailureKind::kTimedOut);
  EXPECT_EQ(std::get<Failure>(out.done[0].result).text, "it ran for longer than 1000 ms");
  // It returns after all: nobody wants to know, and the next task is not asked to stop.
  const Job* const next = driver_->next(0, "a", Duration(1));
  EXPECT_EQ(next->task, TaskId{2});
  EXPECT_FALSE(next->stop.stop_requested());
  out.clear();
  EXPECT_EQ(driver_->take(out, kNoLimit), Take::kNothing);
}

TEST_F(WorkerDriver, ATaskThatStopsWhenAskedHasTimedOutWhateverItReturns) {
  arrive(definition(within_a_second()));
  arrive(tasks(1, 2));
  driver_->first(0);
  driver_->check_time(std::chrono::steady_clock::now() + std::chrono::seconds(2));
  driver_->next(0, "a", Duration(1));
  const Outbound out = take();
  ASSERT_EQ(out.done.size(), 1u);
  EXPECT_EQ(std::get<Failure>(out.done[0].result).kind, FailureKind::kTimedOut);
}

TEST_F(WorkerDriver, ACancelledTaskIsAskedToStop) {
  arrive(tasks(1, 1));
  const Job* const job = driver_->first(0);
  Inbound inbound;
  inbound.cancels.push_back(TaskId{1});
  arrive(std::move(inbound));
  EXPECT_TRUE(is_asked_to_stop(*job));
}

TEST_F(WorkerDriver, AsksForAWriteOnceUntilEverythingIsTaken) {
  arrive(tasks(1, 4));
  driver_->first(0);
  driver_->next(0, "a", Duration(1));
  driver_->next(0, "b", Duration(1));
  driver_->next(0, "c", Duration(1));
  EXPECT_EQ(outlet_->pumps, 1);
  EXPECT_EQ(take().done.size(), 3u);
  Outbound out;
  EXPECT_EQ(driver_->take(out, kNoLimit), Take::kNothing);
  driver_->report({});
  EXPECT_EQ(outlet_->pumps, 2);
}

TEST_F(WorkerDriver, CollectsOutcomesOfShortTasksWhileMoreTasksAreWaiting) {
  arrive(tasks(1, 10));
  driver_->first(0);
  for (int done = 1; done <= 4; ++done) driver_->next(0, "a", Duration(1));
  EXPECT_EQ(outlet_->pumps, 0);
  EXPECT_EQ(outlet_->reminders, 1);
  driver_->next(0, "a", Duration(1));  // five outcomes, and no more than four tasks
  EXPECT_EQ(outlet_->pumps, 1);
  EXPECT_EQ(take().done.size(), 5u);
}

TEST_F(WorkerDriver, SendsWhatIsCollectedWithAFlush) {
  arrive(tasks(1, 10));
  driver_->first(0);
  driver_->next(0, "a", Duration(1));
  EXPECT_TRUE(driver_->flush());
  EXPECT_EQ(outlet_->pumps, 1);
  EXPECT_EQ(take().done.size(), 1u);
  EXPECT_FALSE(driver_->flush());
}

TEST_F(WorkerDriver, SendsOutcomesOfLongTasksAtOnce) {
  arrive(tasks(1, 10));
  driver_->first(0);
  driver_->next(0, "a", proto_limits::kLongestHold);
  EXPECT_EQ(outlet_->pumps, 1);
}

TEST_F(WorkerDriver, CutsWhatIsTooLargeForOneMessage) {
  arrive(tasks(1, 4));
  driver_->first(0);
  driver_->next(0, std::string(600, 'a'), Duration(1));
  driver_->next(0, std::string(300, 'b'), Duration(1));
  driver_->next(0, std::string(5000, 'c'), Duration(1));
  EXPECT_EQ(take(1000).done.size(), 2u);
  const Outbound large = take(1000);  // alone over the limit, and sent all the same
  ASSERT_EQ(large.done.size(), 1u);
  EXPECT_EQ(std::get<std::string>(large.done[0].result).size(), 5000u);
  Outbound out;
  EXPECT_EQ(driver_->take(out, 1000), Take::kNothing);
}

TEST_F(WorkerDriver, SendsOutcomesOfTheEndedConnectionToNobody) {
  arrive(tasks(1, 2));
  driver_->first(0);
  driver_->next(0, "a", Duration(1));
  driver_->disconnected();
  const auto second = std::make_shared<CountingOutlet>();
  driver_->connected(second);
  Outbound out;
  EXPECT_EQ(driver_->take(out, kNoLimit), Take::kNothing);
}

TEST_F(WorkerDriver, IgnoresMessagesOfASessionThatWasNotAccepted) {
  driver_->disconnected();
  arrive(definition(echo()));
  arrive(tasks(1, 1));
  EXPECT_EQ(driver_->snapshot().running, 0u);
  EXPECT_EQ(driver_->snapshot().plans, 0u);
}

TEST_F(WorkerDriver, SendsTheUsageWithTheStatus) {
  arrive(tasks(1, 3));
  driver_->report({.memory = 5, .cpu = 0.5});
  const Outbound out = take();
  ASSERT_TRUE(out.status.has_value());
  EXPECT_EQ(out.status->usage.memory, 5u);
  EXPECT_EQ(out.status->running, 1u);
  EXPECT_EQ(out.status->queued, 2u);
}

TEST_F(WorkerDriver, FinishesTheSessionAfterTheLastOutcomeIsTaken) {
  arrive(tasks(1, 3));
  driver_->first(0);
  driver_->leave();
  EXPECT_EQ(outlet_->pumps, 1);
  const Outbound first = take();
  EXPECT_TRUE(first.leaving);
  EXPECT_EQ(first.returned, (std::vector<TaskId>{TaskId{2}, TaskId{3}}));
  Outbound out;
  EXPECT_EQ(driver_->take(out, kNoLimit), Take::kNothing);
  std::thread thread([&] { EXPECT_EQ(driver_->next(0, "a", Duration(1)), nullptr); });
  driver_->stop();
  thread.join();
  EXPECT_EQ(take().done.size(), 1u);
  Outbound last;
  EXPECT_EQ(driver_->take(last, kNoLimit), Take::kFinished);
}

TEST_F(WorkerDriver, KeepsAValueWhoseOutcomeIsOnItsWay) {
  arrive(tasks(1, 2));
  driver_->first(0);
  driver_->next(0, kept(), Duration(1));
  EXPECT_TRUE(holds(1));
  EXPECT_TRUE(std::holds_alternative<Kept>(take().done.at(0).result));
}

TEST_F(WorkerDriver, FreesTheValuesThatNobodyNeeds) {
  arrive(tasks(1, 3));
  driver_->first(0);
  driver_->next(0, kept(), Duration(1));
  driver_->next(0, kept(), Duration(1));
  Inbound inbound;
  inbound.freed = {{TaskId{1}, 1}, {TaskId{2}, 7}};
  arrive(std::move(inbound));
  EXPECT_FALSE(holds(1));
  EXPECT_TRUE(holds(2));
}

TEST_F(WorkerDriver, FreesTheValuesOfAClientThatIsGone) {
  Inbound mixed = tasks(1, 3);
  mixed.tasks[1].client = ClientId{2};
  arrive(std::move(mixed));
  driver_->first(0);
  driver_->next(0, kept(), Duration(1));
  driver_->next(0, kept(), Duration(1));
  Inbound inbound;
  inbound.gone_clients = {ClientId{1}};
  arrive(std::move(inbound));
  EXPECT_FALSE(holds(1));
  EXPECT_TRUE(holds(2));
}

TEST_F(WorkerDriver, DoesNotKeepTheValueOfATaskThatRanWhenItsClientWent) {
  Inbound mixed = tasks(1, 3);
  mixed.tasks[1].client = ClientId{2};
  arrive(std::move(mixed));
  driver_->first(0);
  Inbound inbound;
  inbound.gone_clients = {ClientId{1}};
  arrive(std::move(inbound));
  driver_->next(0, kept(), Duration(1));
  EXPECT_FALSE(holds(1));
  driver_->next(0, kept(), Duration(1));
  EXPECT_TRUE(holds(2));
}

TEST_F(WorkerDriver, DoesNotKeepTheValueOfATaskThatIsCancelledWhileItRuns) {
  arrive(tasks(1, 3));
  driver_->first(0);
  Inbound inbound;
  inbound.cancels = {TaskId{9}, TaskId{1}};
  arrive(std::move(inbound));
  driver_->next(0, kept(), Duration(1));
  EXPECT_FALSE(holds(1));
  EXPECT_EQ(take().done.size(), 1u);
  EXPECT_EQ(values_->bytes(), 0u);
  driver_->next(0, kept(), Duration(1));
  EXPECT_TRUE(holds(2));
}

TEST_F(WorkerDriver, KeepsNoValueAcrossConnections) {
  arrive(tasks(1, 2));
  driver_->first(0);
  driver_->next(0, kept(), Duration(1));
  driver_->disconnected();
  EXPECT_EQ(values_->count(), 0u);
  EXPECT_EQ(values_->bytes(), 0u);
  driver_->connected(outlet_);
  arrive(definition(echo()));
  arrive(tasks(1, 1));
  driver_->next(0, kept(), Duration(1));  // of the ended connection
  EXPECT_EQ(values_->bytes(), 0u);
}

TEST_F(WorkerDriver, KeepsNoValueOfASessionThatWasReplaced) {
  arrive(tasks(1, 2));
  driver_->first(0);
  driver_->next(0, kept(), Duration(1));
  driver_->connected(std::make_shared<CountingOutlet>());
  EXPECT_EQ(values_->bytes(), 0u);
}

TEST_F(WorkerDriver, MakesAThreadForATaskThatWaitsAndTellsTheScheduler) {
  arrive(tasks(1, 1));
  driver_->first(0);
  std::vector<std::uint32_t> started;
  driver_->waits(0, [&](std::uint32_t thread) { started.push_back(thread); });
  EXPECT_EQ(started, std::vector<std::uint32_t>{1});
  Outbound out = take();
  ASSERT_EQ(out.waits.size(), 1u);
  EXPECT_TRUE(out.waits[0].waits);
  arrive(tasks(2, 1));
  EXPECT_EQ(driver_->first(1)->task, TaskId{2});
  std::thread other([&] { driver_->wants_on(0); });
  driver_->stop();  // nobody waits for a place that never comes
  other.join();
}

TEST_F(WorkerDriver, ATaskForWhichThereIsNoThreadDoesNotWait) {
  arrive(tasks(1, 1));
  driver_->first(0);
  EXPECT_THROW(driver_->waits(0, [](std::uint32_t) { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_EQ(driver_->snapshot().waiting, 0u);
  driver_->waits(0, [](std::uint32_t) {});
  EXPECT_EQ(driver_->snapshot().waiting, 1u);
}

TEST_F(WorkerDriver, TheEndOfTheConnectionAsksWhatRunsToStop) {
  arrive(tasks(1, 1));
  const Job* const job = driver_->first(0);
  driver_->disconnected();
  EXPECT_TRUE(is_asked_to_stop(*job));
}

}  // namespace
}  // namespace penstock::worker
