#include "worker/link.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "tests/worker/fake_scheduler.hpp"
#include "worker/executor.hpp"
#include "worker/input_assembler.hpp"

namespace penstock::worker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// "echo" returns its input; "missing" is not to be had.
PlanFunction bind_echo(std::span<const detail::Stage> stages) {
  if (stages.front().function != "echo") return bind_stages(stages);
  return [](std::string_view input) -> Result { return std::string(input); };
}

class WorkerLink : public ::testing::Test {
 protected:
  void start(LinkOptions options) {
    options.identity = {"w1", 2, 1000, true};
    options.first_pause = milliseconds(5);
    options.longest_pause = milliseconds(20);
    if (options.scheduler.empty()) options.scheduler = scheduler_->address();
    options.bind = binder_;
    link_ = std::make_unique<Link>(std::move(options), driver_);
    link_->start();
  }
  std::optional<LinkEnd> end() { return link_->wait_until(Clock::now() + kPatience); }
  void TearDown() override {
    link_.reset();
    EXPECT_TRUE(executor_.stop(Clock::now() + kPatience));
  }

  Binder binder_ = bind_echo;
  std::unique_ptr<FakeScheduler> scheduler_ = std::make_unique<FakeScheduler>();
  std::shared_ptr<Driver> driver_ =
      std::make_shared<Driver>(CoreOptions{.threads = 2, .max_queued = 100'000});
  Executor executor_{driver_, std::make_shared<InputAssembler>("worker", driver_->values(), ""), 2,
                     WorkerAddress{"worker", "", "", nullptr}, nullptr};
  std::unique_ptr<Link> link_;
};

TEST_F(WorkerLink, SaysHello) {
  start({});
  const auto session = scheduler_->accept();
  EXPECT_EQ(session->hello().protocol(), proto_limits::kProtocolVersion);
  EXPECT_EQ(session->hello().name(), "w1");
  EXPECT_EQ(session->hello().threads(), 2u);
  EXPECT_EQ(session->hello().memory_limit(), 1000u);
  EXPECT_TRUE(session->hello().supervised());
}

TEST_F(WorkerLink, RunsTasksAndSendsTheirOutcomes) {
  start({});
  const auto session = scheduler_->accept();
  session->define();
  session->run(1, 5000, "payload");
  std::set<std::uint64_t> seen;
  for (const v1::TaskDone& done : session->outcomes(5000)) {
    EXPECT_TRUE(seen.insert(done.task()).second);
    EXPECT_EQ(done.value(), "payload");
    EXPECT_EQ(done.attempt(), 1u);
    EXPECT_LT(done.thread(), 2u);
  }
  EXPECT_EQ(seen.size(), 5000u);
}

TEST_F(WorkerLink, SpeaksThroughAChannelThatItIsGiven) {
  start({.channel = scheduler_->in_process_channel()});
  const auto session = scheduler_->accept();
  session->define();
  session->run(1, 10, "x");
  EXPECT_EQ(session->outcomes(10).size(), 10u);
}

TEST_F(WorkerLink, CarriesValuesThatAreLargerThanABatch) {
  start({});
  const auto session = scheduler_->accept();
  session->define();
  const std::string large(proto_limits::kBatchBytes * 2, 'a');
  session->run(1, 3, large);
  for (const v1::TaskDone& done : session->outcomes(3)) EXPECT_EQ(done.value(), large);
}

TEST_F(WorkerLink, FailsTasksWhosePlanCannotBeRead) {
  start({});
  const auto session = scheduler_->accept();
  v1::WorkerInbox inbox;
  inbox.add_plans()->set_plan(1);
  inbox.mutable_plans(0)->set_definition("\xff\xff garbage");
  session->send(inbox);
  session->run(1, 1, "x");
  const auto outcomes = session->outcomes(1);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].failure().kind(), v1::FAILURE_BAD_ARGUMENTS);
  EXPECT_EQ(outcomes[0].failure().text(), "the plan cannot be read");
  EXPECT_EQ(outcomes[0].failure().worker(), "w1");
}

TEST_F(WorkerLink, FailsTasksWhoseCodeItDoesNotHave) {
  start({});
  const auto session = scheduler_->accept();
  session->define("missing");
  session->run(1, 1, "x");
  const auto outcomes = session->outcomes(1);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].failure().kind(), v1::FAILURE_CODE_NOT_AVAILABLE);
}

TEST_F(WorkerLink, SendsHeartbeatsWithItsStatus) {
  start({});
  const auto session = scheduler_->accept();
  for (int beat = 0; beat < 3; ++beat) {
    const auto batch = session->batches.take();
    ASSERT_TRUE(batch && batch->has_status());
    EXPECT_GT(batch->status().memory(), 1'000'000u);
  }
}

TEST_F(WorkerLink, SendsHeartbeatsWhileAllThreadsAreBusy) {
  std::promise<void> go;
  binder_ = [gate = go.get_future().share()](auto) -> PlanFunction {
    return [gate](std::string_view) -> Result {
      gate.wait();
      return "";
    };
  };
  start({});
  const auto session = scheduler_->accept();
  session->define();
  session->run(1, 3, "x");
  std::uint32_t running = 0;
  while (running < 2) {
    const auto batch = session->batches.take();
    ASSERT_TRUE(batch && batch->has_status());
    running = batch->status().running();
  }
  go.set_value();
  EXPECT_EQ(session->outcomes(3).size(), 3u);
}

TEST_F(WorkerLink, ConnectsAgainWhenTheConnectionBreaks) {
  start({});
  scheduler_->accept()->cut();
  const auto second = scheduler_->accept();
  ASSERT_TRUE(second);
  second->define();
  second->run(1, 1, "x");
  EXPECT_EQ(second->outcomes(1).size(), 1u);
}

TEST_F(WorkerLink, ConnectsAgainWhenTheSchedulerIsSilent) {
  v1::Welcome welcome = FakeScheduler::default_welcome();
  welcome.set_silence_ms(50);
  scheduler_->welcome_with(welcome);
  start({});
  const auto first = scheduler_->accept();
  EXPECT_TRUE(first->wait_until_closed());
  EXPECT_TRUE(scheduler_->accept());
}

TEST_F(WorkerLink, ConnectsAgainWhenTheSchedulerSaysThatItStops) {
  start({});
  v1::WorkerInbox inbox;
  inbox.set_leave(true);
  scheduler_->accept()->send(inbox);
  EXPECT_TRUE(scheduler_->accept());
}

TEST_F(WorkerLink, WaitsForASchedulerThatIsNotThereYet) {
  const int port = scheduler_->port();
  scheduler_.reset();
  start({.scheduler = "127.0.0.1:" + std::to_string(port)});
  EXPECT_FALSE(link_->wait_until(Clock::now() + milliseconds(100)));
  scheduler_ = std::make_unique<FakeScheduler>(port);
  EXPECT_TRUE(scheduler_->accept());
}

TEST_F(WorkerLink, EndsWithTheTextOfARefusal) {
  scheduler_->refuse_with({grpc::StatusCode::FAILED_PRECONDITION, "worker speaks protocol 1"});
  start({});
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kRefused);
  EXPECT_EQ(how->text, "worker speaks protocol 1");
}

TEST_F(WorkerLink, EndsWhenTheSchedulerSpeaksAnotherProtocol) {
  v1::Welcome welcome = FakeScheduler::default_welcome();
  welcome.set_protocol(99);
  scheduler_->welcome_with(welcome);
  start({});
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kRefused);
  EXPECT_EQ(how->text, "the scheduler speaks protocol 99, this worker " + std::to_string(proto_limits::kProtocolVersion));
}

TEST_F(WorkerLink, TriesForAWhileWhenItsNameIsTaken) {
  scheduler_->refuse_with({grpc::StatusCode::ALREADY_EXISTS, "there is a w1"});
  start({});
  EXPECT_TRUE(scheduler_->refused.take());
  EXPECT_TRUE(scheduler_->refused.take());
  scheduler_->welcome_with(FakeScheduler::default_welcome());
  EXPECT_TRUE(scheduler_->accept());
}

TEST_F(WorkerLink, EndsWhenItsNameStaysTaken) {
  scheduler_->refuse_with({grpc::StatusCode::ALREADY_EXISTS, "there is a w1"});
  start({.duplicate_name_patience = milliseconds(30)});
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kRefused);
  EXPECT_EQ(how->text, "there is a w1");
}

TEST_F(WorkerLink, LeavesAfterItHasDeliveredWhatRan) {
  std::promise<void> go;
  std::promise<void> inside;
  binder_ = [&, gate = go.get_future().share()](auto) -> PlanFunction {
    return [&, gate](std::string_view) -> Result {
      inside.set_value();
      gate.wait();
      return "done";
    };
  };
  start({});
  const auto session = scheduler_->accept();
  session->define();
  session->run(1, 1, "x");
  inside.get_future().wait();
  driver_->leave();
  link_->leave();
  std::optional<v1::WorkerBatch> batch;
  do {
    batch = session->batches.take();
    ASSERT_TRUE(batch);
  } while (!batch->leaving());
  go.set_value();
  EXPECT_EQ(session->outcomes(1).at(0).value(), "done");
  EXPECT_TRUE(session->wait_until_closed());
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kLeft);
}

TEST_F(WorkerLink, LeavesAtOnceWithoutAScheduler) {
  scheduler_.reset();
  start({.scheduler = "127.0.0.1:1"});
  driver_->leave();
  link_->leave();
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kLeft);
}

TEST_F(WorkerLink, EndsAtOnceWhenItIsCancelled) {
  start({});
  const auto session = scheduler_->accept();
  link_->cancel();
  const auto how = end();
  ASSERT_TRUE(how);
  EXPECT_EQ(how->reason, LinkEnd::Reason::kCancelled);
  EXPECT_TRUE(session->wait_until_closed());
}

}  // namespace
}  // namespace penstock::worker
