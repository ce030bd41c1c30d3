// Messages whose maps run on workers: what is committed has come back and left the last sink.
#include <penstock/penstock.hpp>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(KafkaScatter, CommitsWhatHasLeftTheSinkBehindTheGather) {
  MockKafka kafka;
  kafka.create("t", 2);
  kafka.fill("t", 0, 500);
  kafka.fill("t", 1, 500);
  const auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .threads = 2, .dashboard = false});
  LoopThread thread;
  Barrier barrier;
  const auto source = from_kafka({"t"}, group_options(kafka, thread));
  Seen<std::pair<int, int>> seen;
  source.scatter(client)
      .map([](const KafkaMessage& message) {
        std::this_thread::sleep_for(std::chrono::microseconds(message.offset * 37 % 300));
        return std::pair(message.partition, std::stoi(message.value));
      })
      .gather()
      .filter([](const std::pair<std::int32_t, int>& x) { return x.second % 10 != 9; })
      .sink([&](const std::pair<std::int32_t, int>& x) -> asio::awaitable<void> {
        seen.add({x.first, x.second});
        if (x.second == 100) co_await barrier.pass(thread);
      });
  source.start();
  ASSERT_TRUE(eventually([&] { return barrier.arrived == 1; }));
  const int held = seen.values().back().first;
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", held) == 100; }));
  EXPECT_TRUE(stays([&] { return kafka.committed("g", "t", held) == 100; }));
  barrier.open = true;
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 0) == 500; }));
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 1) == 500; }));
  EXPECT_EQ(seen.size(), 900u);
  source.stop();
  source.drain();
}

// One that failed on a worker counts as done, and a running value passes tokens on too.
TEST(KafkaScatter, CommitsThroughARunningValueAndPastAFailedTask) {
  MockKafka kafka;
  kafka.create("t", 1);
  kafka.fill("t", 0, 100);
  const auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .threads = 2, .dashboard = false});
  LoopThread thread;
  Barrier barrier;
  const auto source = from_kafka({"t"}, group_options(kafka, thread));
  Seen<int> sums;
  source.map([](const KafkaMessage& message) { return std::stoi(message.value); })
      .scatter(client)
      .map([](int x) {
        if (x == 50) throw std::runtime_error("fifty");
        return x;
      })
      .accumulate([](int sum, int x) { return sum + x; }, 0)
      .gather()
      .on_error(ErrorPolicy::skip())
      .sink([&](int sum) -> asio::awaitable<void> {
        sums.add(sum);
        if (sums.size() == 20) co_await barrier.pass(thread);
      });
  source.start();
  ASSERT_TRUE(eventually([&] { return barrier.arrived == 1; }));
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 0) == 19; }));
  EXPECT_TRUE(stays([&] { return kafka.committed("g", "t", 0) == 19; }));
  barrier.open = true;
  EXPECT_TRUE(eventually([&] { return kafka.committed("g", "t", 0) == 100; }));
  EXPECT_EQ(sums.values().back(), 4950 - 50);
  source.stop();
  source.drain();
}

}  // namespace
}  // namespace penstock
