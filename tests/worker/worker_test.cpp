#include <penstock/worker.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "tests/worker/fake_scheduler.hpp"
#include "worker/worker_parts.hpp"

namespace penstock {
namespace {

using std::chrono::milliseconds;
using worker::FakeScheduler;
using worker::kPatience;

class EmbeddedWorker : public ::testing::Test {
 protected:
  void start(worker::PlanFunction function) {
    worker::WorkerParts parts;
    parts.channel = scheduler_.in_process_channel();
    parts.bind = [function](auto) { return function; };
    worker_ = std::make_unique<Worker>(WorkerOptions{.name = "embedded", .threads = 1}, parts);
    worker_->start();
    session_ = scheduler_.accept();
    session_->define();
  }

  FakeScheduler scheduler_;
  std::unique_ptr<Worker> worker_;
  std::shared_ptr<worker::FakeSession> session_;
};

TEST_F(EmbeddedWorker, RunsTasksUntilItIsStopped) {
  start([](std::string_view input) -> worker::Result { return std::string(input); });
  session_->run(1, 3, "x");
  EXPECT_EQ(session_->outcomes(3).size(), 3u);
  EXPECT_FALSE(worker_->wait_for(milliseconds(0)));
  EXPECT_TRUE(worker_->stop());
  EXPECT_EQ(worker_->wait().reason, WorkerEnd::Reason::kStopped);
  EXPECT_TRUE(session_->wait_until_closed());
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
