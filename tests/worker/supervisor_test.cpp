#include "worker/supervisor.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/worker/fake_scheduler.hpp"
#include "worker/child_process.hpp"
#include "worker/process.hpp"

namespace penstock::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return false;
  return text[text.rfind(')') + 2] != 'Z';
}

// Waits for a condition that has nothing to signal it.
template <typename Condition>
bool eventually(Condition condition) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    usleep(2000);
  }
  return true;
}

class WorkerSupervisor : public ::testing::Test {
 protected:
  SupervisorOptions options(std::vector<std::string> arguments) {
    return {.program = WORKER_HELPER,
            .args = std::move(arguments),
            .scheduler = scheduler_.address(),
            .name = "w1",
            .threads = 2,
            .first_pause = milliseconds(5),
            .longest_pause = milliseconds(20)};
  }
  void start(SupervisorOptions options) {
    supervisor_ = std::make_unique<Supervisor>(std::move(options));
    supervisor_->start();
  }
  SupervisorEnd end() {
    const auto how = supervisor_->wait_for(kPatience);
    EXPECT_TRUE(how) << "it goes on";
    return how.value_or(SupervisorEnd{});
  }

  FakeScheduler scheduler_;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(WorkerSupervisor, RunsAWorker) {
  start(options({"serve"}));
  const auto session = scheduler_.accept();
  ASSERT_TRUE(session);
  EXPECT_EQ(session->hello().name(), "w1");
  EXPECT_EQ(session->hello().threads(), 2u);
  EXPECT_TRUE(session->hello().supervised());
}

TEST_F(WorkerSupervisor, HasAWorkerThatMayOpenAsManyFilesAsTheSystemAllows) {
  rlimit ours{};
  getrlimit(RLIMIT_NOFILE, &ours);
  const rlimit few{256, ours.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  start(options({"serve"}));
  ASSERT_TRUE(scheduler_.accept());
  rlimit limit{};
  EXPECT_EQ(prlimit(supervisor_->child(), RLIMIT_NOFILE, nullptr, &limit), 0);
  setrlimit(RLIMIT_NOFILE, &ours);
  EXPECT_EQ(limit.rlim_cur, ours.rlim_max);
}

TEST_F(WorkerSupervisor, StopsItsWorkerInTime) {
  start(options({"serve"}));
  const auto session = scheduler_.accept();
  ASSERT_TRUE(session->batches.take());  // it has been welcomed: before that it says no goodbye
  const pid_t pid = supervisor_->child();
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(supervisor_->stop().reason, SupervisorEnd::Reason::kStopped);
  EXPECT_LT(Clock::now() - begin, seconds(2));
  EXPECT_FALSE(alive(pid));
  ASSERT_TRUE(session->wait_until_closed());  // everything it said has been read
  bool said_goodbye = false;
  while (auto batch = session->batches.take(milliseconds(0))) said_goodbye |= batch->leaving();
  EXPECT_TRUE(said_goodbye);
}

TEST_F(WorkerSupervisor, KillsAChildThatDoesNotStop) {
  SupervisorOptions deaf = options({"deaf"});
  deaf.grace = milliseconds(300);
  start(std::move(deaf));
  ASSERT_TRUE(scheduler_.accept());
  const pid_t pid = supervisor_->child();
  const Clock::time_point begin = Clock::now();
  supervisor_->stop();
  EXPECT_LT(Clock::now() - begin, seconds(2));
  EXPECT_FALSE(alive(pid));
}

TEST_F(WorkerSupervisor, EndsAProgramThatDoesNotCallInitInTime) {
  SupervisorOptions unknown = options({"grow"});
  unknown.init_timeout = milliseconds(200);
  unknown.title = "app";
  start(std::move(unknown));
  EXPECT_EQ(end().text, "app did not call penstock::init() in 200 ms: is that the first thing in its main()?");
}

TEST_F(WorkerSupervisor, StartsAnUnknownProgramAgainOnceItHasCalledInit) {
  SupervisorOptions unknown = options({"serve"});
  unknown.init_timeout = kPatience;
  start(std::move(unknown));
  ASSERT_TRUE(scheduler_.accept());
  kill(supervisor_->child(), SIGKILL);
  EXPECT_TRUE(scheduler_.accept());
}

TEST_F(WorkerSupervisor, KillsItsChildAtOnceWhenItIsAskedTo) {
  SupervisorOptions deaf = options({"deaf"});
  deaf.grace = std::chrono::hours(1);
  start(std::move(deaf));
  ASSERT_TRUE(scheduler_.accept());
  supervisor_->request_stop();
  EXPECT_FALSE(supervisor_->wait_for(milliseconds(20)));
  supervisor_->request_stop(true);
  EXPECT_EQ(end().reason, SupervisorEnd::Reason::kStopped);
}

TEST_F(WorkerSupervisor, ReportsTheEvidenceOfACrashAndStartsAnother) {
  start(options({"crash"}));
  for (int life = 0; life < 8; ++life) {  // crashes are not counted as quick exits
    const auto exit = scheduler_.exits.take();
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->worker(), "w1");
    EXPECT_EQ(exit->signal(), SIGSEGV);
    EXPECT_EQ(exit->exit_code(), -1);
    ASSERT_EQ(exit->running_size(), 1);
    EXPECT_EQ(exit->running(0), 42u);
    EXPECT_EQ(exit->last_lines(), "about to follow a bad pointer\n");
  }
}

TEST_F(WorkerSupervisor, ReplacesAWorkerThatIsKilled) {
  start(options({"serve"}));
  ASSERT_TRUE(scheduler_.accept());
  kill(supervisor_->child(), SIGKILL);
  const auto exit = scheduler_.exits.take();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal(), SIGKILL);
  EXPECT_TRUE(scheduler_.accept());
  EXPECT_EQ(supervisor_->starts(), 2u);
}

TEST_F(WorkerSupervisor, GivesUpOnAProgramThatIsNoWorker) {
  start(options({"exit", "0"}));
  const SupervisorEnd how = end();
  EXPECT_EQ(how.reason, SupervisorEnd::Reason::kGaveUp);
  EXPECT_EQ(supervisor_->starts(), 5u);
  EXPECT_NE(how.text.find("penstock::init()"), std::string::npos) << how.text;
}

TEST_F(WorkerSupervisor, TellsTheExitCode) {
  start(options({"exit", "3"}));
  const auto exit = scheduler_.exits.take();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->exit_code(), 3);
  EXPECT_EQ(exit->signal(), 0);
}

TEST_F(WorkerSupervisor, DoesNotStartARefusedWorkerAgain) {
  scheduler_.refuse_with({grpc::StatusCode::UNAUTHENTICATED, "no token"});
  start(options({"serve"}));
  EXPECT_EQ(end().reason, SupervisorEnd::Reason::kRefused);
  EXPECT_EQ(supervisor_->starts(), 1u);
  const auto exit = scheduler_.exits.take();
  ASSERT_TRUE(exit);
  EXPECT_NE(exit->last_lines().find("no token"), std::string::npos) << exit->last_lines();
}

TEST_F(WorkerSupervisor, SaysThatAProgramCannotBeStarted) {
  SupervisorOptions missing = options({});
  missing.program = "/no/such/program";
  start(std::move(missing));
  const SupervisorEnd how = end();
  EXPECT_EQ(how.reason, SupervisorEnd::Reason::kCannotStart);
  EXPECT_NE(how.text.find("/no/such/program"), std::string::npos) << how.text;
}

TEST_F(WorkerSupervisor, ReplacesAWorkerThatIsFarOverItsMemoryLimit) {
  SupervisorOptions greedy = options({"grow"});
  greedy.memory_limit = 20 << 20;
  start(std::move(greedy));
  const auto exit = scheduler_.exits.take();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal(), SIGKILL);
  EXPECT_NE(exit->last_lines().find("far over its limit"), std::string::npos);
}

TEST_F(WorkerSupervisor, GoesOnWithoutAScheduler) {
  SupervisorOptions lonely = options({"crash"});
  lonely.scheduler = "127.0.0.1:1";
  lonely.report_timeout = milliseconds(50);
  start(std::move(lonely));
  EXPECT_TRUE(eventually([&] { return supervisor_->starts() > 2; }));
}

// The whole program, as a child of this test.
class WorkerProgram : public ::testing::Test {
 protected:
  ChildProcess start(std::vector<std::string> arguments) {
    auto child = ChildProcess::spawn({.program = WORKER_PROGRAM, .args = std::move(arguments)});
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }
  ChildProcess serve(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"--scheduler", scheduler_.address(), "--app",
                                       WORKER_HELPER, "--threads",          "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return start(std::move(arguments));
  }
  static std::optional<Death> death(ChildProcess& program) {
    std::optional<Death> how;
    eventually([&] { return (how = program.try_wait()).has_value(); });
    return how;
  }

  FakeScheduler scheduler_;
};

TEST_F(WorkerProgram, StopsWithAllItsWorkersOnSigterm) {
  ChildProcess program = serve({"--workers", "2", "--name", "w"});
  const auto first = scheduler_.accept();
  const auto second = scheduler_.accept();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->hello().name(), second->hello().name());
  const Clock::time_point begin = Clock::now();
  program.send(SIGTERM);
  const auto how = death(program);
  ASSERT_TRUE(how);
  EXPECT_EQ(how->exit_code, kExitLeft);
  EXPECT_LT(Clock::now() - begin, seconds(2));
  EXPECT_TRUE(first->wait_until_closed());
  EXPECT_TRUE(second->wait_until_closed());
}

TEST_F(WorkerProgram, LeavesNoWorkerBehindWhenItIsKilled) {
  ChildProcess program = serve();
  const auto session = scheduler_.accept();
  ASSERT_TRUE(session);
  kill(program.pid(), SIGKILL);
  EXPECT_TRUE(session->wait_until_closed());
  EXPECT_TRUE(death(program));
}

TEST_F(WorkerProgram, EndsWhenItsWorkerIsRefused) {
  scheduler_.refuse_with({grpc::StatusCode::FAILED_PRECONDITION, "another protocol"});
  ChildProcess program = serve();
  const auto how = death(program);
  ASSERT_TRUE(how);
  EXPECT_EQ(how->exit_code, kExitRefused);
}

TEST_F(WorkerProgram, RefusesToLoadAProgramAsALibrary) {
  const absl::Status status = load_libraries({WORKER_HELPER});
  EXPECT_EQ(status.message(), std::string(WORKER_HELPER) +
                                  " is a program, not a library: use --app " + WORKER_HELPER + ".");
}

TEST_F(WorkerProgram, ServesItselfWhenItOnlyLoadsLibraries) {
  ChildProcess program =
      start({"--scheduler", scheduler_.address(), "--load", "libm.so.6", "--name", "lib"});
  const auto session = scheduler_.accept();
  ASSERT_TRUE(session);
  EXPECT_EQ(session->hello().name(), "lib");
  program.send(SIGINT);
  EXPECT_TRUE(death(program));
}

}  // namespace
}  // namespace penstock::worker
