// Messages whose maps run on workers: what is committed has come back and left the last sink.
#include <penstock/penstock.hpp>

#include <algorithm>
#include <map>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

struct KafkaScatter : KafkaCase {
  const Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .threads = 2, .dashboard = false});
};

TEST_F(KafkaScatter, CommitsWhatHasLeftTheSinkBehindTheGather) {
  kafka.create("t", 2);
  kafka.fill("t", 0, 500);
  kafka.fill("t", 1, 500);
  const auto source = from_kafka({"t"}, options());
  Inbox<std::pair<int, int>> sunk;
  source.scatter(client)
      .map([](const KafkaMessage& message) {
        std::this_thread::sleep_for(std::chrono::microseconds(message.offset * 37 % 300));
        return std::pair(message.partition, std::stoi(message.value));
      })
      .gather()
      .filter([](const std::pair<std::int32_t, int>& x) { return x.second % 10 != 9; })
      .sink([&](const std::pair<std::int32_t, int>& x) -> asio::awaitable<void> {
        sunk.add({x.first, x.second});
        if (x.second == 100) co_await valve.pass();
      });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  const int held = sunk.values().back().first;
  EXPECT_TRUE(eventually([&] { return committed(held) == 100; }));
  EXPECT_TRUE(stays([&] { return committed(held) == 100; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 500; }));
  EXPECT_TRUE(eventually([&] { return committed(1) == 500; }));
  EXPECT_EQ(sunk.size(), 900u);
  source.stop();
  source.drain();
}

TEST_F(KafkaScatter, CommitsTheBatchesThatHaveLeftTheSinkBehindTheGather) {
  kafka.create("t", 2);
  for (int x = 0; x < 200; x += 20) {
    for (int partition = 0; partition < 2; ++partition) kafka.fill("t", partition, 20, x);
  }
  auto small = options();
  small.max_batch = 20;
  const auto source = from_kafka_batched({"t"}, small);
  using Pairs = std::vector<std::pair<std::int32_t, int>>;  // partition and number
  Inbox<Pairs> sunk;
  source.scatter(client)
      .map([](const std::vector<KafkaMessage>& batch) {
        Pairs pairs;
        for (const auto& message : batch) pairs.emplace_back(message.partition, std::stoi(message.value));
        std::this_thread::sleep_for(std::chrono::microseconds(pairs.front().second * 37 % 300));
        return pairs;
      })
      .gather()
      .sink([&](const Pairs& pairs) -> asio::awaitable<void> {
        sunk.add(pairs);
        if (sunk.size() == 6) co_await valve.pass();
      });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  std::map<int, std::int64_t> done;  // of each partition: what the first five held
  const auto begun = sunk.values();
  for (int i = 0; i < 5; ++i) {
    for (const auto& [partition, number] : begun[i]) ++done[partition];
  }
  const auto is_committed = [&] {
    return std::ranges::all_of(done, [&](const auto& each) { return committed(each.first) == each.second; });
  };
  EXPECT_TRUE(eventually(is_committed));
  EXPECT_TRUE(stays(is_committed)) << "the others wait behind the sixth";
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed(0) == 200 && committed(1) == 200; }));
  std::map<int, int> next;
  for (const auto& pairs : sunk.values()) {
    for (const auto& [partition, number] : pairs) ASSERT_EQ(number, next[partition]++);
  }
  source.stop();
  source.drain();
}

// One that failed on a worker counts as done, and a running value passes tokens on too.
TEST_F(KafkaScatter, CommitsThroughARunningValueAndPastAFailedTask) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 100);
  const auto source = from_kafka({"t"}, options());
  Inbox<int> sums;
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
        if (sums.size() == 20) co_await valve.pass();
      });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  EXPECT_TRUE(eventually([&] { return committed() == 19; }));
  EXPECT_TRUE(stays([&] { return committed() == 19; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 100; }));
  EXPECT_EQ(sums.values().back(), 4950 - 50);
  source.stop();
  source.drain();
}

}  // namespace
}  // namespace penstock
