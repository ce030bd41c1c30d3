#include "worker/driver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/limits.hpp"
#include "worker/executor.hpp"

namespace penstock::worker {
namespace {

constexpr std::size_t kNoLimit = 1 << 30;
constexpr std::chrono::seconds kPatience{20};

std::shared_ptr<const PlanFunction> plan(PlanFunction function) {
  return std::make_shared<const PlanFunction>(std::move(function));
}

std::shared_ptr<const PlanFunction> echo() {
  return plan([](std::string_view input) -> Result { return std::string(input); });
}

Inbound tasks(std::uint64_t first, std::uint64_t count, const std::string& input = "x") {
  Inbound inbound;
  for (std::uint64_t id = first; id < first + count; ++id) {
    inbound.tasks.push_back({TaskId{id}, 1, PlanId{1}, absl::Cord(input)});
  }
  return inbound;
}

Inbound definition(std::shared_ptr<const PlanFunction> function) {
  Inbound inbound;
  inbound.plans.push_back({PlanId{1}, std::move(function)});
  return inbound;
}

// A link that counts how often it is asked to write, and to look later.
class CountingOutlet : public Outlet {
 public:
  void pump() override { ++pumps; }
  void remind() override { ++reminders; }
  std::atomic<int> pumps{0};
  std::atomic<int> reminders{0};
};

// One thread's turn, without a thread.
class WorkerDriver : public ::testing::Test {
 protected:
  void SetUp() override {
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

  std::shared_ptr<CountingOutlet> outlet_ = std::make_shared<CountingOutlet>();
  std::shared_ptr<Driver> driver_ =
      std::make_shared<Driver>(CoreOptions{.threads = 1, .max_queued = 1000});
};

TEST_F(WorkerDriver, HandsOverTheNextJobInTheSameCall) {
  arrive(tasks(1, 2));
  const Job* job = driver_->first(0);
  EXPECT_EQ(job->task, TaskId{1});
  job = driver_->next(0, "a", Duration(1));
  EXPECT_EQ(job->task, TaskId{2});
  EXPECT_EQ(job->input, "x");
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

// Takes batches as a link does, on a thread of its own.
class CollectingOutlet : public Outlet {
 public:
  explicit CollectingOutlet(std::shared_ptr<Driver> driver) : driver_(std::move(driver)) {}

  void pump() override {
    Outbound out;
    while (driver_->take(out, 4096) == Take::kBatch) {
      const std::lock_guard lock(mutex_);
      for (SendDone& done : out.done) done_.push_back(std::move(done));
      out.clear();
      more_.notify_all();
    }
  }
  void remind() override {}  // the last thread without a task sends everything
  std::vector<SendDone> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, kPatience, [&] { return done_.size() >= count; });
    return std::move(done_);
  }

 private:
  std::shared_ptr<Driver> driver_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<SendDone> done_;
};

class WorkerExecutor : public ::testing::Test {
 protected:
  void start(std::shared_ptr<const PlanFunction> function,
             std::shared_ptr<BlackBox> box = nullptr) {
    executor_ = std::make_unique<Executor>(driver_, 3, "worker", std::move(box));
    driver_->connected(outlet_);
    outlet_->pump();
    Inbound inbound = definition(std::move(function));
    driver_->arrived(inbound);
  }
  void TearDown() override {
    driver_->disconnected();
    EXPECT_TRUE(executor_->stop(std::chrono::steady_clock::now() + kPatience));
  }

  std::shared_ptr<Driver> driver_ =
      std::make_shared<Driver>(CoreOptions{.threads = 3, .max_queued = 100'000});
  std::shared_ptr<CollectingOutlet> outlet_ = std::make_shared<CollectingOutlet>(driver_);
  std::unique_ptr<Executor> executor_;
};

TEST_F(WorkerExecutor, RunsEveryTaskOnceOnManyThreads) {
  start(echo());
  constexpr std::uint64_t kTasks = 20'000;
  for (std::uint64_t first = 0; first < kTasks; first += 1000) {
    Inbound inbound = tasks(first, 1000);
    driver_->arrived(inbound);
  }
  std::set<TaskId> seen;
  for (const SendDone& done : outlet_->wait_for(kTasks)) {
    EXPECT_TRUE(seen.insert(done.task).second);
    EXPECT_EQ(std::get<std::string>(done.result), "x");
  }
  EXPECT_EQ(seen.size(), kTasks);
}

TEST_F(WorkerExecutor, TurnsWhatAFunctionThrowsIntoAFailure) {
  start(plan([](std::string_view input) -> Result {
    if (input == "int") throw 5;
    throw std::runtime_error("no such sensor");
  }));
  Inbound inbound = tasks(1, 1);
  driver_->arrived(inbound);
  EXPECT_EQ(std::get<Failure>(outlet_->wait_for(1).at(0).result).text, "no such sensor");
  inbound = tasks(2, 1, "int");
  driver_->arrived(inbound);
  EXPECT_EQ(std::get<Failure>(outlet_->wait_for(1).at(0).result).text, "unknown exception");
}

TEST_F(WorkerExecutor, RecordsRunningTasksInTheBlackBox) {
  auto created = BlackBox::create();
  ASSERT_TRUE(created.ok());
  const std::shared_ptr<BlackBox> box = *std::move(created);
  std::promise<void> go;
  std::promise<void> inside;
  start(plan([&, gate = go.get_future().share()](std::string_view) -> Result {
          inside.set_value();
          gate.wait();
          return "";
        }),
        box);
  Inbound inbound = tasks(77, 1);
  driver_->arrived(inbound);
  inside.get_future().wait();
  EXPECT_EQ(box->running(), std::vector<TaskId>{TaskId{77}});
  go.set_value();
  outlet_->wait_for(1);
  EXPECT_TRUE(box->running().empty());
}

TEST_F(WorkerExecutor, StopsInTimeAlthoughAFunctionIsStuck) {
  std::promise<void> go;
  std::promise<void> inside;
  start(plan([&, gate = go.get_future().share()](std::string_view) -> Result {
    inside.set_value();
    gate.wait();
    return "";
  }));
  Inbound inbound = tasks(1, 1);
  driver_->arrived(inbound);
  inside.get_future().wait();
  EXPECT_FALSE(executor_->stop(std::chrono::steady_clock::now()));
  go.set_value();
}

}  // namespace
}  // namespace penstock::worker
