// Batches of messages of Kafka topics.
#include <algorithm>
#include <map>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::Each;

struct FromKafkaBatched : KafkaCase {};

TEST_F(FromKafkaBatched, BatchesAreFullOrAsOldAsThePollInterval) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 25);
  auto small = options();
  small.max_batch = 10;
  const auto source = from_kafka_batched({"t"}, small);
  Inbox<std::size_t> sizes;
  source.sink([&](const std::vector<KafkaMessage>& batch) -> asio::awaitable<void> {
    for (const auto& message : batch) seen.add(message.value);
    sizes.add(batch.size());
    if (sizes.size() == 2) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return sizes.size() == 2 && committed() == 10; }));
  EXPECT_TRUE(stays([&] { return sizes.size() == 2 && committed() == 10; }));
  valve.open();
  ASSERT_TRUE(eventually([&] { return committed() == 25; }));
  EXPECT_EQ(seen.values(), numbers(0, 25));
  EXPECT_THAT(sizes.values(), Each(::testing::Le(10u)));
  source.stop();
  source.drain();
}

TEST_F(FromKafkaBatched, ABatchThatUsesUpMaxOutstandingGoesOut) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 30);
  auto tight = options();
  tight.max_batch = tight.max_outstanding = 10;
  tight.poll_interval = 1h;
  const auto source = from_kafka_batched({"t"}, tight);
  // Each batch waits for the next, so that half of the room is taken.
  source.partition(2).sink([](const auto&) {});
  source.sink([&](const std::vector<KafkaMessage>& batch) { seen.add(std::to_string(batch.size())); });
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 1; }));
  EXPECT_TRUE(stays([&] { return seen.size() == 1; })) << "no room before the first batch is done";
  source.stop();
  source.drain();
}

TEST_F(FromKafkaBatched, CommitsOfEachPartitionTheBatchesThatAreDone) {
  constexpr int kPartitions = 3;
  kafka.create("t", kPartitions);
  // In pieces, so that batches are mixed.
  for (int x = 0; x < 200; x += 20) {
    for (int partition = 0; partition < kPartitions; ++partition) kafka.fill("t", partition, 20, x);
  }
  auto small = options();
  small.max_batch = 50;
  const auto source = from_kafka_batched({"t"}, small);
  Inbox<std::vector<KafkaMessage>> batches;
  source.sink([&](const std::vector<KafkaMessage>& batch) -> asio::awaitable<void> {
    batches.add(batch);
    if (batches.size() == 4) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  std::map<int, std::int64_t> done;  // of each partition: what the first three held
  const auto begun = batches.values();
  for (int i = 0; i < 3; ++i) {
    for (const auto& message : begun[i]) ++done[message.partition];
  }
  const auto is_committed = [&] {
    return std::ranges::all_of(done, [&](const auto& each) { return committed(each.first) == each.second; });
  };
  EXPECT_TRUE(eventually(is_committed));
  EXPECT_TRUE(stays(is_committed)) << "of the fourth nothing";
  valve.open();
  for (int partition = 0; partition < kPartitions; ++partition) {
    EXPECT_TRUE(eventually([&] { return committed(partition) == 200; }));
  }
  std::map<int, std::vector<std::string>> values;
  bool mixed = false;
  for (const auto& batch : batches.values()) {
    for (const auto& message : batch) {
      values[message.partition].push_back(message.value);
      mixed = mixed || message.partition != batch.front().partition;
    }
  }
  for (int partition = 0; partition < kPartitions; ++partition) EXPECT_EQ(values[partition], numbers(0, 200));
  EXPECT_TRUE(mixed) << "or this test says nothing of batches with several partitions";
  source.stop();
  source.drain();
}

TEST_F(FromKafkaBatched, ABatchThatFailedCountsAsDoneInAllOfItsPartitions) {
  kafka.create("t", 2);
  kafka.fill("t", 0, 30);
  kafka.fill("t", 1, 30);
  auto small = options();
  small.max_batch = 10;
  const auto source = from_kafka_batched({"t"}, small);
  Inbox<std::string> errors;
  source.set_error_handler([&](std::exception_ptr error) { errors.add(what(error)); });
  source.sink([&](const std::vector<KafkaMessage>& batch) {
    for (const auto& message : batch) {
      if (message.value == "15") throw std::runtime_error("bad batch");
    }
  });
  source.start();
  EXPECT_TRUE(eventually([&] { return committed(0) == 30 && committed(1) == 30; }));
  EXPECT_THAT(errors.values(), Each(::testing::HasSubstr("bad batch")));
  EXPECT_GE(errors.size(), 1u);
  source.stop();
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(FromKafkaBatched, StopCommitsNothingOfTheBatchThatASinkHasInHandAndStartBringsItAgain) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 30);
  auto small = options();
  small.max_batch = 10;
  const auto source = from_kafka_batched({"t"}, small);
  source.sink([&](const std::vector<KafkaMessage>& batch) -> asio::awaitable<void> {
    for (const auto& message : batch) seen.add(message.value);
    if (seen.size() == 20) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  source.stop();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  valve.open();
  source.drain();
  EXPECT_EQ(committed(), 10) << "it left after the stop";
  source.start();
  EXPECT_TRUE(eventually([&] { return committed() == 30; }));
  auto expected = numbers(0, 20);
  const auto again = numbers(10, 30);
  expected.insert(expected.end(), again.begin(), again.end());
  EXPECT_EQ(seen.values(), expected);
  source.stop();
  source.drain();
}

}  // namespace
}  // namespace penstock
