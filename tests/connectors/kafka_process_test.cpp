// Whole programs: kill -9 of one between sink and commit, and the example.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

#include "tests/connectors/mock_kafka.hpp"
#include "tests/runtime/temp_folder.hpp"

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
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Process& operator=(Process&&) = delete;

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

using Offsets = std::map<int, std::vector<std::int64_t>>;  // of each partition, in order

// Of the messages that the program kafka_consumer has sunk.
Offsets offsets_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  Offsets offsets;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    std::istringstream words(line);
    int partition = 0;
    std::int64_t offset = 0;
    words >> partition >> offset;
    offsets[partition].push_back(offset);
  }
  return offsets;
}

std::vector<std::int64_t> row(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(to - from));
  std::iota(offsets.begin(), offsets.end(), from);
  return offsets;
}

// The parameter: which source the program has.
struct KafkaCrash : ::testing::TestWithParam<const char*> {
  static constexpr int kPartitions = 3;
  static constexpr std::int64_t kEach = 3'000;  // messages of a partition

  KafkaCrash() {
    kafka.create("t", kPartitions);
    // In pieces, so that the partitions take turns.
    for (int x = 0; x < kEach; x += 300) {
      for (int partition = 0; partition < kPartitions; ++partition) kafka.fill("t", partition, 300, x);
    }
  }
  Process program(const std::string& file) {
    return Process({KAFKA_CONSUMER, kafka.addresses(), folder / file, GetParam()});
  }
  std::int64_t committed(int partition) {
    return std::max<std::int64_t>(kafka.committed("g", "t", partition), 0);
  }

  MockKafka kafka;
  TempFolder folder;
};
INSTANTIATE_TEST_SUITE_P(Source, KafkaCrash, ::testing::Values("from_kafka", "from_kafka_batched"));

TEST_P(KafkaCrash, WhatWasNotCommittedComesAgainAndWhatWasDoesNot) {
  auto first = program("first");
  // Behind a commit, and well before the next one.
  ASSERT_TRUE(eventually([&] {
    const auto commit = committed(0);
    return commit > 0 && std::ssize(offsets_in(folder / "first")[0]) > commit + 20;
  }));
  first.end(SIGKILL);
  auto before = offsets_in(folder / "first");
  Offsets rest;
  std::int64_t sunk = 0;
  for (int partition = 0; partition < kPartitions; ++partition) {
    const auto count = std::ssize(before[partition]);
    sunk += count;
    ASSERT_EQ(before[partition], row(0, count));
    const auto commit = committed(partition);
    ASSERT_LE(commit, count) << "nothing is committed that was not sunk";
    if (commit < kEach) rest[partition] = row(commit, kEach);
  }
  ASSERT_LT(sunk, kPartitions * kEach) << "it was killed in the midst";

  auto second = program("second");
  for (int partition = 0; partition < kPartitions; ++partition) {
    EXPECT_TRUE(eventually([&] { return committed(partition) == kEach; }));
  }
  second.end(SIGKILL);
  EXPECT_EQ(offsets_in(folder / "second"), rest) << "not one that was committed, and none skipped";
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
