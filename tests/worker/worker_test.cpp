#include <penstock/worker.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "proto/value_reader.hpp"
#include "tests/worker/fake_scheduler.hpp"
#include "worker/worker_parts.hpp"

namespace penstock {
namespace {

using std::chrono::milliseconds;
using worker::FakeScheduler;
using worker::kPatience;

class EmbeddedWorker : public ::testing::Test {
 protected:
  void start(worker::PlanFunction function, WorkerOptions options = {}) {
    options.name = "embedded";
    options.threads = 1;
    worker::WorkerParts parts;
    parts.channel = scheduler_.in_process_channel();
    parts.bind = [function](auto) { return function; };
    worker_ = std::make_unique<Worker>(std::move(options), parts);
    worker_->start();
    session_ = scheduler_.accept();
    session_->define();
  }
  static worker::Result echo(std::string_view input) { return std::string(input); }
  // Where the next outcome's value is.
  v1::KeptValue kept() {
    const auto outcomes = session_->outcomes(1);
    EXPECT_EQ(outcomes.size(), 1u);
    v1::KeptValue value;
    EXPECT_TRUE(!outcomes.empty() && outcomes[0].kept() && value.ParseFromString(outcomes[0].value()));
    return value;
  }

  FakeScheduler scheduler_;
  std::unique_ptr<Worker> worker_;
  std::shared_ptr<worker::FakeSession> session_;
};

TEST_F(EmbeddedWorker, RunsTasksUntilItIsStopped) {
  start(echo);
  session_->run(1, 3, "x");
  EXPECT_EQ(session_->outcomes(3).size(), 3u);
  EXPECT_FALSE(worker_->wait_for(milliseconds(0)));
  EXPECT_TRUE(worker_->stop());
  EXPECT_EQ(worker_->wait().reason, WorkerEnd::Reason::kStopped);
  EXPECT_TRUE(session_->wait_until_closed());
}

// More than travels with an outcome.
const std::string kLarge(proto_limits::kMaxInlineBytes + 1, 'x');

TEST_F(EmbeddedWorker, LetsOthersReadALargeResultFromMemoryAndOverTheNetwork) {
  start(echo);
  session_->run(1, 1, kLarge);
  v1::KeptValue value = kept();
  EXPECT_EQ(value.worker(), "embedded");
  proto_values::ValueReader reader("");
  auto read = reader.read(value);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->view, kLarge);
  value.clear_memory();
  read = reader.read(value);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->view, kLarge);
}

TEST_F(EmbeddedWorker, PutsAKeptResultIntoTheInputOfAnotherTask) {
  start([](std::string_view input) -> worker::Result {
    return input.size() < kLarge.size() ? kLarge : "the input ends with " + std::string(input.substr(kLarge.size()));
  });
  session_->run(1, 1, "x");
  v1::KeptInputs inputs;
  *inputs.add_inputs()->mutable_value() = kept();
  v1::WorkerInbox inbox;
  v1::Run& run = *inbox.add_runs();
  run.set_task(2);
  run.set_attempt(1);
  run.set_plan(1);
  run.set_input("tail");
  run.set_kept(inputs.SerializeAsString());
  session_->send(inbox);
  EXPECT_EQ(session_->outcomes(1).at(0).value(), "the input ends with tail");
}

TEST_F(EmbeddedWorker, FreesAKeptResultWhenItIsTold) {
  start(echo);
  session_->run(1, 1, kLarge);
  v1::KeptValue value = kept();
  value.clear_memory();
  v1::WorkerInbox inbox;
  v1::ValueName& name = *inbox.add_free();
  name.set_task(1);
  name.set_attempt(1);
  session_->send(inbox);
  session_->run(2, 1, "x");  // in the same connection: afterwards the first message has been read
  EXPECT_EQ(session_->outcomes(1).size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(proto_values::ValueReader("").read(value).status()));
}

TEST_F(EmbeddedWorker, SendsALargeResultWithItsOutcomeWhenNothingMayStay) {
  start(echo, {.max_value_bytes = 0});
  session_->run(1, 1, kLarge);
  const auto outcomes = session_->outcomes(1);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_FALSE(outcomes[0].kept());
  EXPECT_EQ(outcomes[0].value(), kLarge);
}

TEST_F(EmbeddedWorker, LetsNobodyReadItsValuesWhenItIsGone) {
  start(echo);
  session_->run(1, 1, kLarge);
  const v1::KeptValue value = kept();
  worker_.reset();
  EXPECT_FALSE(proto_values::ValueReader("").read(value).ok());
}

TEST_F(EmbeddedWorker, StopsInTimeAlthoughAFunctionIsStuck) {
  auto go = std::make_shared<std::promise<void>>();
  std::promise<void> inside;
  start([&inside, gate = go->get_future().share()](std::string_view) -> worker::Result {
    inside.set_value();
    gate.wait();
    return "";
  });
  session_->run(1, 1, "x");
  inside.get_future().wait();
  EXPECT_FALSE(worker_->stop(milliseconds(50)));
  EXPECT_TRUE(session_->wait_until_closed());
  go->set_value();
  EXPECT_TRUE(worker_->stop(kPatience));
}

TEST_F(EmbeddedWorker, EndsByItselfWhenItIsRefused) {
  scheduler_.refuse_with({grpc::StatusCode::UNAUTHENTICATED, "no token"});
  Worker refused({.scheduler = scheduler_.address()});
  refused.start();
  const auto end = refused.wait_for(kPatience);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, WorkerEnd::Reason::kRefused);
  EXPECT_EQ(end->text, "no token");
}

TEST_F(EmbeddedWorker, StopsWithoutHavingStarted) {
  Worker idle({.scheduler = scheduler_.address()});
  EXPECT_TRUE(idle.stop());
  EXPECT_FALSE(idle.name().empty());
  EXPECT_GE(idle.threads(), 1u);
}

}  // namespace
}  // namespace penstock
