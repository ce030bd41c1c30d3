#include "scheduler/options.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/temp_folder.hpp"

namespace penstock::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ProgramOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "penstock-scheduler");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

// Environment variables for as long as this lives.
class Variables {
 public:
  explicit Variables(std::vector<std::pair<const char*, const char*>> variables)
      : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) setenv(name, value, 1);
  }
  ~Variables() {
    for (const auto& [name, value] : variables_) unsetenv(name);
  }

 private:
  std::vector<std::pair<const char*, const char*>> variables_;
};

// A configuration file for as long as this lives.
class File {
  const testing::TempFolder folder_;

 public:
  explicit File(const std::string& text) { folder_.write("scheduler.toml", text); }

  const std::string path = folder_ / "scheduler.toml";
};

TEST(SchedulerOptions, ListenOnLoopbackOnlyUnlessToldOtherwise) {
  const auto options = parse({});
  EXPECT_EQ(options.server.address, "127.0.0.1");
  EXPECT_EQ(options.server.dashboard_address, "127.0.0.1");
  EXPECT_EQ(options.server.port, 8786);
  EXPECT_FALSE(options.server.dashboard_port);
  EXPECT_TRUE(options.server.dashboard);
  EXPECT_FALSE(options.server.allow_insecure);
}

TEST(SchedulerOptions, ReadFlags) {
  const auto options = parse({"--port", "0", "--dashboard-port", "1", "--silence", "2.5",
                              "--code-timeout", "0.25", "--max-lost-workers", "7", "--no-dashboard"});
  EXPECT_EQ(options.server.port, 0);
  EXPECT_EQ(options.server.dashboard_port, 1);
  EXPECT_EQ(options.server.core.silence, milliseconds(2500));
  EXPECT_EQ(options.server.core.code_timeout, milliseconds(250));
  EXPECT_EQ(options.server.core.max_lost_workers, 7u);
  EXPECT_FALSE(options.server.dashboard);
}

TEST(SchedulerOptions, ReadTheEnvironment) {
  const Variables variables({{"PENSTOCK_ADDRESS", "0.0.0.0"},
                             {"PENSTOCK_PORT", "1"},
                             {"PENSTOCK_DASHBOARD_ADDRESS", "::1"},
                             {"PENSTOCK_DASHBOARD_PORT", "2"},
                             {"PENSTOCK_NO_DASHBOARD", "true"},
                             {"PENSTOCK_TOKEN", "sesame"},
                             {"PENSTOCK_ALLOW_INSECURE", "true"},
                             {"PENSTOCK_HEARTBEAT", "3"},
                             {"PENSTOCK_SILENCE", "4"},
                             {"PENSTOCK_CODE_TIMEOUT", "5"},
                             {"PENSTOCK_NO_WORKER_TIMEOUT", "6"},
                             {"PENSTOCK_MAX_LOST_WORKERS", "7"},
                             {"PENSTOCK_MAX_PROGRAM_BYTES", "8MiB"},
                             {"PENSTOCK_LOG_LEVEL", "debug"}});
  const auto options = parse({});
  EXPECT_EQ(options.server.address, "0.0.0.0");
  EXPECT_EQ(options.server.port, 1);
  EXPECT_EQ(options.server.dashboard_address, "::1");
  EXPECT_EQ(options.server.dashboard_port, 2);
  EXPECT_FALSE(options.server.dashboard);
  EXPECT_EQ(options.server.token, "sesame");
  EXPECT_TRUE(options.server.allow_insecure);
  EXPECT_EQ(options.server.core.heartbeat, seconds(3));
  EXPECT_EQ(options.server.core.silence, seconds(4));
  EXPECT_EQ(options.server.core.code_timeout, seconds(5));
  EXPECT_EQ(options.server.core.no_worker_timeout, seconds(6));
  EXPECT_EQ(options.server.core.max_lost_workers, 7u);
  EXPECT_EQ(options.server.core.max_program_bytes, 8u << 20);
  EXPECT_EQ(options.log_level, "debug");
}

TEST(SchedulerOptions, ReadAFile) {
  const File file("port = 3\nsilence = 9\nno-dashboard = true\n");
  const auto options = parse({"--config", file.path.c_str()});
  EXPECT_EQ(options.server.port, 3);
  EXPECT_EQ(options.server.core.silence, seconds(9));
  EXPECT_FALSE(options.server.dashboard);
}

TEST(SchedulerOptions, PreferAFlagToTheEnvironmentAndThatToAFile) {
  const File file("port = 3\nsilence = 9\nheartbeat = 4\n");
  const Variables variables({{"PENSTOCK_PORT", "2"}, {"PENSTOCK_SILENCE", "8"}});
  const auto options = parse({"--config", file.path.c_str(), "--port", "1"});
  EXPECT_EQ(options.server.port, 1);
  EXPECT_EQ(options.server.core.silence, seconds(8));
  EXPECT_EQ(options.server.core.heartbeat, seconds(4));
}

TEST(SchedulerOptionsDeathTest, PrintTheVersion) {
  // On standard output, which a death test does not see.
  EXPECT_EXIT((dup2(STDERR_FILENO, STDOUT_FILENO), parse({"--version"})), ::testing::ExitedWithCode(0),
              "^[0-9]+\\.[0-9]+\\.[0-9]+\n$");
}

TEST(SchedulerOptionsDeathTest, SayWhatIsWrong) {
  EXPECT_EXIT(parse({"--port", "seven"}), ::testing::ExitedWithCode(104), "--port");
  EXPECT_EXIT(parse({"--silence", "-1"}), ::testing::ExitedWithCode(105), "--silence");
  EXPECT_EXIT(parse({"--prot", "1"}), ::testing::ExitedWithCode(109), "--prot");
  const File file("prot = 1\n");
  EXPECT_EXIT(parse({"--config", file.path.c_str()}), ::testing::ExitedWithCode(110), "prot");
}

}  // namespace
}  // namespace penstock::scheduler
