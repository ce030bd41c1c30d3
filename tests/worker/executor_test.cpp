#include "worker/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cluster.pb.h"
#include "proto/limits.hpp"
#include "tests/worker/inbound.hpp"
#include "worker/input_assembler.hpp"

namespace penstock::worker {
namespace {

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
  void look_at_the_time() override {}
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
  void SetUp() override { make(kRoom); }
  void start(std::shared_ptr<const RunnablePlan> function,
             std::shared_ptr<BlackBox> box = nullptr) {
    values_->open();
    executor_ = std::make_unique<Executor>(driver_, inputs_, 3, WorkerAddress{"worker", "", "", nullptr}, std::move(box));
    driver_->connected(outlet_);
    outlet_->pump();
    Inbound inbound = definition(std::move(function));
    driver_->arrived(inbound);
  }
  void TearDown() override {
    driver_->disconnected();
    EXPECT_TRUE(executor_->stop(std::chrono::steady_clock::now() + kPatience));
  }

  Result result_of(Inbound inbound) {
    driver_->arrived(inbound);
    return outlet_->wait_for(1).at(0).result;
  }

  void make(std::uint64_t max_value_bytes) {
    values_ = std::make_shared<ValueStore>(ValueStoreLimits{max_value_bytes});
    driver_ = std::make_shared<Driver>(CoreOptions{.threads = 3, .max_queued = 100'000}, values_);
    inputs_ = std::make_shared<InputAssembler>("worker", values_, /*token=*/"");
    outlet_ = std::make_shared<CollectingOutlet>(driver_);
  }

  static constexpr std::size_t kRoom = std::size_t{1} << 20;
  std::shared_ptr<ValueStore> values_;
  std::shared_ptr<Driver> driver_;
  std::shared_ptr<InputAssembler> inputs_;
  std::shared_ptr<CollectingOutlet> outlet_;
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

// Large enough to stay.
std::string large(char filling = 'x') { return std::string(proto_limits::kMaxInlineBytes + 1, filling); }

std::string view_of(const Result& result) {
  const auto bytes = std::get<Kept>(result).value->bytes();
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return std::string(bytes->view);
}

TEST_F(WorkerExecutor, KeepsALargeResult) {
  start(echo());
  const Result result = result_of(tasks(7, 1, large()));
  EXPECT_EQ(view_of(result), large());
  EXPECT_EQ(values_->find({TaskId{7}, 1}), std::get<Kept>(result).value);
}

TEST_F(WorkerExecutor, SendsASmallResultWithItsOutcome) {
  start(echo());
  const std::string small(proto_limits::kMaxInlineBytes, 'x');
  EXPECT_EQ(std::get<std::string>(result_of(tasks(7, 1, small))), small);
  EXPECT_EQ(values_->bytes(), 0u);
}

TEST_F(WorkerExecutor, SendsALargeResultWithItsOutcomeWhenThePlanSaysSo) {
  start(plan([](std::string_view input) -> Result { return std::string(input); }, /*keeps=*/false));
  EXPECT_EQ(std::get<std::string>(result_of(tasks(7, 1, large()))), large());
}

TEST_F(WorkerExecutor, SendsALargeResultWithItsOutcomeWhenThereIsNoRoomForIt) {
  start(plan([](std::string_view) -> Result { return std::string(kRoom + 1, 'x'); }));
  EXPECT_EQ(std::get<std::string>(result_of(tasks(7, 1))).size(), kRoom + 1);
  EXPECT_EQ(values_->bytes(), 0u);
}

TEST_F(WorkerExecutor, SendsALargeResultWithItsOutcomeWhenTheWorkerIsLeaving) {
  start(plan([this](std::string_view input) -> Result {
    driver_->leave();
    return std::string(input);
  }));
  EXPECT_EQ(std::get<std::string>(result_of(tasks(7, 1, large()))), large());
}

TEST_F(WorkerExecutor, KeepsAResultThatIsTooLargeToTravel) {
  constexpr std::size_t kBytes = proto_limits::kMaxValueBytes + 1;
  make(kBytes);
  start(plan([](std::string_view) -> Result { return std::string(kBytes, 'x'); }));
  const Result result = result_of(tasks(7, 1));
  ASSERT_TRUE(std::holds_alternative<Kept>(result));
  EXPECT_EQ(std::get<Kept>(result).value->size(), kBytes);
}

TEST_F(WorkerExecutor, RefusesAResultThatCanNeitherStayNorTravel) {
  start(plan([](std::string_view) -> Result { return std::string(proto_limits::kMaxValueBytes + 1, 'x'); }));
  const auto failure = std::get<Failure>(result_of(tasks(7, 1)));
  EXPECT_EQ(failure.kind, FailureKind::kRefused);
  EXPECT_EQ(failure.task, "last");
  EXPECT_EQ(failure.text,
            "the result has 536870913 bytes; at most 536870912 can travel, and the store of values that stay on "
            "this worker is full (--max-value-bytes): return less of it at a time");
}

TEST_F(WorkerExecutor, RefusesAResultThatShouldTravelButCannot) {
  start(plan([](std::string_view) -> Result { return std::string(proto_limits::kMaxValueBytes + 1, 'x'); },
             /*keeps=*/false));
  const auto failure = std::get<Failure>(result_of(tasks(7, 1)));
  EXPECT_EQ(failure.text,
            "the result has 536870913 bytes; at most 536870912 can travel: return less of it at a time");
}

// A task whose input has the value of another task in front of its byte `at`.
Inbound task_with_kept(std::uint64_t of, std::size_t size, std::uint64_t at, const std::string& input) {
  v1::KeptInputs kept;
  v1::KeptInput& place = *kept.add_inputs();
  place.set_at(at);
  place.mutable_value()->set_worker("worker");
  place.mutable_value()->set_task(of);
  place.mutable_value()->set_attempt(1);
  place.mutable_value()->set_size(size);
  Inbound inbound = tasks(100, 1, input);
  inbound.tasks[0].kept = absl::Cord(kept.SerializeAsString());
  return inbound;
}

TEST_F(WorkerExecutor, PutsAKeptValueIntoTheInput) {
  start(echo());
  const std::size_t size = view_of(result_of(tasks(7, 1, large('k')))).size();
  EXPECT_EQ(view_of(result_of(task_with_kept(7, size, 3, "in put"))), "in " + large('k') + "put");
}

TEST_F(WorkerExecutor, FailsATaskWhoseInputIsLostAndDoesNotRunIt) {
  start(echo());
  const auto failure = std::get<Failure>(result_of(task_with_kept(7, 5, 0, "")));
  EXPECT_EQ(failure.kind, FailureKind::kInputLost);
  EXPECT_EQ(failure.text, "worker worker does not have the value any more");
  EXPECT_EQ(failure.lost_inputs, std::vector<std::uint32_t>{0});
}

TEST_F(WorkerExecutor, FailsATaskWhoseInputMakesNoSense) {
  start(echo());
  EXPECT_EQ(std::get<Failure>(result_of(task_with_kept(7, 5, 2, "x"))).kind, FailureKind::kBadArguments);
}

}  // namespace
}  // namespace penstock::worker
