// Whole programs: kill -9 of one between sink and commit, and the example.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Process {
 public:
  explicit Process(std::vector<std::string> command) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    std::vector<char*> arguments;
    for (auto& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ~Process() { end(SIGKILL); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Its status.
  int end(int signal) {
    int status = -1;
    if (pid_ <= 0) return status;
    ::kill(pid_, signal);
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
};

// Of the messages that the program kafka_consumer has sunk.
std::vector<std::int64_t> offsets_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::int64_t> offsets;
  for (std::string line; std::getline(in, line) && !in.eof();) offsets.push_back(std::stoll(line));
  return offsets;
}

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

  Process first({KAFKA_CONSUMER, kafka.addresses(), folder / "first"});
  // Behind a commit, and well before the next one.
  ASSERT_TRUE(eventually([&] {
    const auto committed = kafka.committed("g", "t", 0);
    return committed > 0 && static_cast<std::int64_t>(offsets_in(folder / "first").size()) > committed + 20;
  }));
  first.end(SIGKILL);
  const auto before = offsets_in(folder / "first");
  const auto committed = kafka.committed("g", "t", 0);
  ASSERT_LT(before.size(), static_cast<std::size_t>(kAll)) << "it was killed in the midst";
  for (std::size_t i = 0; i < before.size(); ++i) ASSERT_EQ(before[i], static_cast<std::int64_t>(i));
  ASSERT_LE(committed, static_cast<std::int64_t>(before.size())) << "nothing is committed that was not sunk";
  ASSERT_GT(committed, 0);

  Process second({KAFKA_CONSUMER, kafka.addresses(), folder / "second"});
  ASSERT_TRUE(eventually([&] {
    const auto sunk = offsets_in(folder / "second");
    return !sunk.empty() && sunk.back() == kAll - 1;
  }));
  const auto after = offsets_in(folder / "second");
  EXPECT_EQ(after.front(), committed) << "not one that was committed, and none skipped";
  ASSERT_EQ(static_cast<std::int64_t>(after.size()), kAll - committed);
  for (std::size_t i = 0; i < after.size(); ++i) {
    ASSERT_EQ(after[i], committed + static_cast<std::int64_t>(i));
  }
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 0) == kAll; }));
}

#ifdef KAFKA_WORD_COUNT
TEST(KafkaWordCount, CountsCommitsAndEndsWellWhenItIsTold) {
  MockKafka kafka;
  kafka.create("lines", 1);
  kafka.create("words", 1);
  LoopThread thread;
  Stream<std::string> lines(thread);
  lines.pipe(to_kafka("lines", {.brokers = kafka.addresses()}));
  lines.emit("to be or not to be");
  lines.close();
  Process program({KAFKA_WORD_COUNT, kafka.addresses(), "lines", "words"});
  std::map<std::string, std::string> counts;
  for (const auto& message : kafka.read("words", 0, 4)) counts[*message.key] = message.value;
  const std::map<std::string, std::string> expected{{"be", "2"}, {"not", "1"}, {"or", "1"}, {"to", "2"}};
  EXPECT_EQ(counts, expected);
  EXPECT_TRUE(eventually([&] { return kafka.committed("word-count", "lines", 0) == 1; }));
  EXPECT_EQ(program.end(SIGTERM), 0);
}
#endif

}  // namespace
}  // namespace penstock
