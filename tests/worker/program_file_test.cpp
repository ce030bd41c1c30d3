#include "worker/program_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace penstock::worker {
namespace {

// Runs it; returns its exit code.
int run(const ProgramFile& file) {
  const std::string path = file.path();
  std::string name = "program";
  char* arguments[] = {name.data(), nullptr};
  char* variables[] = {nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, path.c_str(), nullptr, nullptr, arguments, variables) != 0) return -1;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void expect_that_it_runs_and_stays(absl::StatusOr<ProgramFile> made) {
  ASSERT_TRUE(made.ok()) << made.status();
  ProgramFile file = *std::move(made);
  std::ifstream program("/bin/false", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(program), {}};
  ASSERT_TRUE(file.append(bytes.substr(0, 1000)).ok());
  ASSERT_TRUE(file.append(bytes.substr(1000)).ok());
  ASSERT_TRUE(file.seal().ok());
  EXPECT_EQ(run(file), 1);
  EXPECT_FALSE(file.append("more").ok());
  const ProgramFile moved = std::move(file);
  EXPECT_EQ(run(moved), 1);
}

TEST(ProgramFile, RunsFromMemory) { expect_that_it_runs_and_stays(ProgramFile::create("false")); }

// Where memory must not be executed.
TEST(ProgramFile, RunsFromADiskInstead) { expect_that_it_runs_and_stays(ProgramFile::create_on_disk()); }

}  // namespace
}  // namespace penstock::worker
