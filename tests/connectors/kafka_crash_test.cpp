// kill -9 of a consuming process between sink and commit.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Writes the offset of each message that it has sunk into a file; see kafka_consumer.cpp.
class ConsumerProcess {
 public:
  ConsumerProcess(const std::string& brokers, const std::filesystem::path& file) : file_(file) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(KAFKA_CONSUMER, KAFKA_CONSUMER, brokers.c_str(), file.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~ConsumerProcess() { kill(); }
  ConsumerProcess(const ConsumerProcess&) = delete;
  ConsumerProcess& operator=(const ConsumerProcess&) = delete;

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  std::vector<std::int64_t> sunk() const {
    std::ifstream in(file_);
    std::vector<std::int64_t> offsets;
    for (std::string line; std::getline(in, line) && !in.eof();) offsets.push_back(std::stoll(line));
    return offsets;
  }

 private:
  std::filesystem::path file_;
  pid_t pid_ = 0;
};

struct KafkaCrash : ::testing::Test {
  KafkaCrash() {
    std::string name = ::testing::TempDir() + "penstock-kafka-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~KafkaCrash() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
};

TEST_F(KafkaCrash, WhatWasNotCommittedComesAgainAndWhatWasDoesNot) {
  constexpr std::int64_t kAll = 3'000;
  MockKafka kafka;
  kafka.create("t", 1);
  kafka.fill("t", 0, kAll);

  ConsumerProcess first(kafka.addresses(), folder / "first");
  // Behind a commit, and well before the next one.
  ASSERT_TRUE(eventually([&] {
    const auto committed = kafka.committed("g", "t", 0);
    return committed > 0 && static_cast<std::int64_t>(first.sunk().size()) > committed + 20;
  }));
  first.kill();
  const auto before = first.sunk();
  const auto committed = kafka.committed("g", "t", 0);
  ASSERT_LT(before.size(), static_cast<std::size_t>(kAll)) << "it was killed in the midst";
  for (std::size_t i = 0; i < before.size(); ++i) ASSERT_EQ(before[i], static_cast<std::int64_t>(i));
  ASSERT_LE(committed, static_cast<std::int64_t>(before.size())) << "nothing is committed that was not sunk";
  ASSERT_GT(committed, 0);

  ConsumerProcess second(kafka.addresses(), folder / "second");
  ASSERT_TRUE(eventually([&] {
    const auto sunk = second.sunk();
    return !sunk.empty() && sunk.back() == kAll - 1;
  }));
  const auto after = second.sunk();
  EXPECT_EQ(after.front(), committed) << "not one that was committed, and none skipped";
  ASSERT_EQ(static_cast<std::int64_t>(after.size()), kAll - committed);
  for (std::size_t i = 0; i < after.size(); ++i) {
    ASSERT_EQ(after[i], committed + static_cast<std::int64_t>(i));
  }
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 0) == kAll; }));
}

}  // namespace
}  // namespace penstock
