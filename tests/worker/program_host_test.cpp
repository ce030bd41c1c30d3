#include "worker/program_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include <penstock/detail/module.hpp>

#include "proto/sha256.hpp"
#include "tests/worker/fake_scheduler.hpp"

namespace penstock::worker {
namespace {

using ::testing::HasSubstr;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

v1::ProgramOffer offer_of(const std::string& bytes, const std::string& name = "app") {
  proto_sha256::Sha256 sum;
  sum.add(bytes);
  v1::ProgramOffer offer;
  offer.set_sha256(sum.finish());
  offer.set_size(bytes.size());
  offer.set_build_id("build");
  offer.set_name(name);
  return offer;
}

class ProgramHostTest : public ::testing::Test {
 protected:
  void start(unsigned workers = 1) {
    ProgramHostOptions options;
    options.worker.scheduler = scheduler_.address();
    options.worker.name = "h1";
    options.worker.threads = 1;
    options.workers = workers;
    options.on_end = [this] { ended_.put(true); };
    host_ = std::make_unique<ProgramHost>(std::move(options));
    host_->start();
  }
  // Orders it, with this file.
  v1::ProgramOffer order(const std::string& bytes, const std::string& name = "app") {
    const v1::ProgramOffer offer = offer_of(bytes, name);
    scheduler_.have_program(offer.sha256(), bytes);
    scheduler_.order({offer});
    return offer;
  }
  // The first report with a program of which that is true.
  template <class Condition>
  v1::HostedProgram reported(Condition condition) {
    while (auto report = scheduler_.reports.take()) {
      for (const v1::HostedProgram& program : report->programs()) {
        if (condition(program)) return program;
      }
    }
    ADD_FAILURE() << "no report says so";
    return {};
  }
  std::string failure() {
    return reported([](const auto& program) { return !program.failure().empty(); }).failure();
  }

  FakeScheduler scheduler_;
  Mailbox<bool> ended_;
  std::unique_ptr<ProgramHost> host_;
};

TEST_F(ProgramHostTest, RunsWhatItIsOrderedToUntilItIsNotAnyMore) {
  start();
  EXPECT_EQ(scheduler_.reports.take()->programs_size(), 0);
  const v1::ProgramOffer offer = order(contents(WORKER_HELPER));
  const auto session = scheduler_.accept();
  ASSERT_TRUE(session);
  EXPECT_EQ(session->hello().name(), "h1/" + detail::to_hex(offer.sha256()).substr(0, 8));
  EXPECT_TRUE(session->hello().supervised());
  const auto program = reported([](const auto& each) { return each.running(); });
  EXPECT_EQ(program.program().sha256(), offer.sha256());
  ASSERT_TRUE(session->batches.take());
  scheduler_.order({});
  EXPECT_TRUE(session->wait_until_closed());
}

TEST_F(ProgramHostTest, RunsAsManyProcessesOfAProgramAsItIsToldAndStopsThem) {
  start(2);
  order(contents(WORKER_HELPER));
  const auto first = scheduler_.accept();
  const auto second = scheduler_.accept();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->hello().name(), second->hello().name());
  EXPECT_THAT(first->hello().name() + second->hello().name(), HasSubstr("-2"));
  host_.reset();
  EXPECT_TRUE(first->wait_until_closed());
  EXPECT_TRUE(second->wait_until_closed());
}

TEST_F(ProgramHostTest, RefusesAFileOfAnotherSum) {
  start();
  const v1::ProgramOffer offer = offer_of("what was promised");
  scheduler_.have_program(offer.sha256(), "what has come now");
  scheduler_.order({offer});
  EXPECT_EQ(failure(), "what came is not the program of this SHA-256");
}

TEST_F(ProgramHostTest, RefusesAFileThatIsTooLong) {
  start();
  const v1::ProgramOffer offer = offer_of("short");
  scheduler_.have_program(offer.sha256(), "longer");
  scheduler_.order({offer});
  EXPECT_EQ(failure(), "what came is not the program of this SHA-256");
}

TEST_F(ProgramHostTest, WaitsForAFileThatIsNotThereYet) {
  start();
  const std::string bytes = contents(WORKER_HELPER);
  const v1::ProgramOffer offer = offer_of(bytes);
  scheduler_.order({offer});
  reported([](const auto& program) { return !program.running(); });
  scheduler_.have_program(offer.sha256(), bytes);
  EXPECT_TRUE(scheduler_.accept());
}

TEST_F(ProgramHostTest, SaysWhatCannotBeExecuted) {
  start();
  order("no program", "letter");
  EXPECT_THAT(failure(), HasSubstr("cannot start letter: Exec format error"));
}

TEST_F(ProgramHostTest, SaysThatAProgramIsForAnotherMachine) {
  std::string bytes = contents(WORKER_HELPER);
  bytes[18] = '\x08';  // e_machine of its ELF header: EM_MIPS
  bytes[19] = '\0';
  start();
  order(bytes);
  EXPECT_THAT(failure(), HasSubstr("cannot start app: Exec format error"));
}

TEST_F(ProgramHostTest, SaysWhichLibraryIsMissing) {
  std::string bytes = contents(WORKER_HELPER);
  const std::string needed = "libstdc++.so.6";
  const auto at = bytes.find(needed);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, needed.size(), "libmissed.so.6");
  start();
  order(bytes);
  EXPECT_THAT(failure(), testing::AllOf(HasSubstr("app ended before it called penstock::init(), with exit code 127"),
                                        HasSubstr("libmissed.so.6: cannot open shared object file")));
}

TEST_F(ProgramHostTest, SaysThatAProgramIsNoWorkerAndForgetsItThen) {
  start();
  order(contents("/bin/false"), "false");
  EXPECT_EQ(failure(), "false ended before it called penstock::init(), with exit code 1");
  scheduler_.order({});
  while (scheduler_.reports.take()->programs_size() > 0) {
  }
}

TEST_F(ProgramHostTest, GoesOnWhenTheSchedulerIsGoneForATime) {
  scheduler_.refuse_with({grpc::StatusCode::UNAVAILABLE, "stopping"});
  start();
  ASSERT_TRUE(scheduler_.reports.take());
  ASSERT_TRUE(scheduler_.reports.take());
  scheduler_.welcome_with(FakeScheduler::default_welcome());
  order(contents(WORKER_HELPER));
  EXPECT_TRUE(scheduler_.accept());
}

TEST_F(ProgramHostTest, EndsWhenTheSchedulerRefusesIt) {
  scheduler_.refuse_with({grpc::StatusCode::UNAUTHENTICATED, "wrong token"});
  start();
  ASSERT_TRUE(ended_.take());
  EXPECT_EQ(host_->refusal(), "wrong token");
  EXPECT_TRUE(host_->has_ended());
}

}  // namespace
}  // namespace penstock::worker
