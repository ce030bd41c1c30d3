// A stream written into a Kafka topic.
#include "penstock/connectors/to_kafka.hpp"

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct ToKafkaTest : KafkaCase {
  ToKafkaTest() { kafka.create("t", 1); }
  KafkaSinkOptions options() {
    return {.brokers = kafka.addresses(), .reconnect = {.on_notice = [](auto) {}}};
  }
  std::vector<std::string> arrived(std::size_t n) {
    std::vector<std::string> values;
    for (const auto& message : kafka.read("t", 0, n)) values.push_back(message.value);
    return values;
  }

  Stream<std::string> source{LoopRef(thread)};
};

TEST_F(ToKafkaTest, WritesInOrderAndTheEndWaitsForAll) {
  source.pipe(to_kafka("t", options()));
  for (int x = 0; x < 1000; ++x) source.emit(std::to_string(x));
  source.close();
  EXPECT_EQ(arrived(1000), numbers(0, 1000));
}

TEST_F(ToKafkaTest, RecordsHaveKeysHeadersPartitionsAndNulls) {
  kafka.create("many", 8);
  Stream<KafkaRecord> records(thread);
  records.pipe(to_kafka("many", options()));
  records.emit({.key = "k", .value = "v", .partition = 3, .headers = {{"trace", "1"}, {"none", {}}}});
  records.emit({.key = "", .partition = 3, .tombstone = true});
  records.emit({.value = "", .partition = 3});
  records.drain();
  const auto got = kafka.read("many", 3, 3);
  ASSERT_THAT(got, SizeIs(3));
  EXPECT_EQ(got[0].key, "k");
  EXPECT_EQ(got[0].value, "v");
  EXPECT_THAT(got[0].headers, ElementsAre(KafkaHeader{"trace", "1"}, KafkaHeader{"none", {}}));
  const auto age = std::chrono::system_clock::now() - got[0].timestamp;
  EXPECT_LT(std::chrono::abs(age), 1min);
  EXPECT_EQ(got[1].key, "");
  EXPECT_TRUE(got[1].tombstone);
  EXPECT_EQ(got[2].key, std::nullopt);
  EXPECT_FALSE(got[2].tombstone);
  EXPECT_EQ(got[2].value, "");
}

TEST_F(ToKafkaTest, OneKeyStaysInOnePartition) {
  kafka.create("many", 8);
  Stream<KafkaRecord> records(thread);
  records.pipe(to_kafka("many", options()));
  const auto back = from_kafka({"many"}, KafkaCase::options());
  Inbox<KafkaMessage> messages;
  back.sink([&](const KafkaMessage& message) { messages.add(message); });
  back.start();
  for (int x = 0; x < 400; ++x) records.emit({.key = std::to_string(x % 20), .value = std::to_string(x)});
  records.drain();
  ASSERT_TRUE(eventually([&] { return messages.size() == 400; }));
  std::map<std::string, std::pair<int, int>> last;  // of a key: partition and number
  for (const auto& message : messages.values()) {
    const int number = std::stoi(message.value);
    EXPECT_EQ(*message.key, std::to_string(number % 20));
    const auto [known, is_new] = last.try_emplace(*message.key, message.partition, number);
    if (is_new) continue;
    EXPECT_EQ(known->second.first, message.partition);
    EXPECT_LT(known->second.second, number);
    known->second.second = number;
  }
  EXPECT_THAT(last, SizeIs(20));
  back.stop();
  back.drain();
}

TEST_F(ToKafkaTest, AConnectionThatBreaksNeitherDoublesNorTurnsAround) {
  source.pipe(to_kafka("t", options()));
  kafka.refuse_to_produce({RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                           RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS});
  for (int x = 0; x < 1000; ++x) source.emit(std::to_string(x));
  source.drain();
  source.emit("end");
  source.drain();
  auto expected = numbers(0, 1000);
  expected.push_back("end");
  EXPECT_EQ(arrived(1001), expected);
}

TEST_F(ToKafkaTest, WhatIsRefusedGoesToTheDeadLettersAndTheOthersArrive) {
  Stream<Failure> errors(thread);
  Inbox<std::string> failed;
  errors.sink([&](const Failure& failure) {
    failed.add(std::any_cast<std::string>(failure.element) + ": " + failure.text());
  });
  source.pipe(to_kafka("t", options())).on_error(ErrorPolicy::dead_letter(errors));
  kafka.refuse_to_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  source.emit("refused");
  source.drain();
  ASSERT_THAT(failed.values(), ElementsAre(HasSubstr("refused: to_kafka(\"t\"): ")));
  source.emit("arrives");
  source.drain();
  EXPECT_THAT(arrived(1), ElementsAre("arrives"));
}

TEST_F(ToKafkaTest, WhatIsRefusedIsRaisedByDefault) {
  source.pipe(to_kafka("t", options()));
  kafka.refuse_to_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  source.emit("refused");
  EXPECT_THROW(source.drain(), Error);
}

TEST_F(ToKafkaTest, RetrySendsItAgain) {
  source.pipe(to_kafka("t", options())).on_error(ErrorPolicy::retry(3, 10ms));
  kafka.refuse_to_produce(
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  source.emit("again");
  source.drain();
  EXPECT_THAT(arrived(1), ElementsAre("again"));
}

TEST_F(ToKafkaTest, WhatIsTooLargeFailsAlone) {
  auto small = options();
  small.config = {{"message.max.bytes", "2000"}};
  source.pipe(to_kafka("t", small)).on_error(ErrorPolicy::skip());
  source.emit("before");
  source.emit(std::string(100'000, 'x'));
  source.emit("behind");
  source.drain();
  EXPECT_THAT(arrived(2), ElementsAre("before", "behind"));
}

TEST_F(ToKafkaTest, AFatalErrorOfItsIdempotenceIsNotTheEndOfTheSink) {
  source.pipe(to_kafka("t", options())).on_error(ErrorPolicy::retry(5, 10ms));
  source.emit("0");
  source.drain();
  kafka.refuse_to_produce({RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  source.emit("1");
  source.drain();
  source.emit("2");
  source.drain();
  EXPECT_THAT(arrived(3), ElementsAre("0", "1", "2"));
}

TEST_F(ToKafkaTest, EmitWaitsForAPlaceInTheWindowAndGoesOnWhenTheBrokerIsBack) {
  auto narrow = options();
  narrow.window = 10;
  narrow.reconnect.longest_pause = 300ms;
  source.pipe(to_kafka("t", narrow));
  source.emit("0");
  source.drain();
  kafka.down();
  std::atomic<int> emitted{1};
  std::thread emitter([&] {
    for (int x = 1; x < 30; ++x) {
      source.emit(std::to_string(x));
      ++emitted;
    }
  });
  EXPECT_TRUE(eventually([&] { return emitted == 11; }));
  EXPECT_TRUE(stays([&] { return emitted == 11; }));
  kafka.up();
  emitter.join();
  source.drain();
  EXPECT_EQ(arrived(30), numbers(0, 30));
}

TEST_F(ToKafkaTest, ABrokerThatStaysAwayFailsTheElementInTheEnd) {
  auto impatient = options();
  impatient.config = {{"message.timeout.ms", "500"}};
  source.pipe(to_kafka("t", impatient));
  kafka.down();
  source.emit("lost");
  try {
    source.drain();
    FAIL() << "it arrived nowhere";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("to_kafka(\"t\")"));
  }
}

TEST_F(ToKafkaTest, TheEndWaitsForABrokerThatStaysAwayUntilItsElementsHaveFailed) {
  auto impatient = options();
  impatient.config = {{"message.timeout.ms", "1000"}};
  source.pipe(to_kafka("t", impatient));
  kafka.down();
  std::atomic<int> released{0};
  for (int x = 0; x < 3; ++x) source.emit(std::to_string(x), Token([&] { ++released; }));
  EXPECT_EQ(released, 0);
  source.close();
  EXPECT_TRUE(eventually([&] { return released == 3; }));
  EXPECT_THROW(source.drain(), Error);
}

TEST_F(ToKafkaTest, DestroyedItDoesNotWaitForABrokerThatDoesNotAnswer) {
  auto sink = source.pipe(to_kafka("t", options()));
  source.emit("0");
  source.drain();
  kafka.answer_after(1min);
  std::atomic<int> released{0};
  for (int x = 0; x < 10; ++x) source.emit("lost", Token([&] { ++released; }));
  EXPECT_TRUE(stays([&] { return released == 0; }));
  const auto start = std::chrono::steady_clock::now();
  sink.destroy();
  EXPECT_TRUE(eventually([&] { return released == 10; }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST_F(ToKafkaTest, AGraphThatGoesLetsGoOfWhatIsOnItsWay) {
  kafka.down();
  std::atomic<int> released{0};
  {
    Stream<std::string> dropped(thread);
    dropped.pipe(to_kafka("t", options()));
    for (int x = 0; x < 100; ++x) dropped.emit(std::to_string(x), Token([&] { ++released; }));
    EXPECT_EQ(released, 0);
  }
  EXPECT_TRUE(eventually([&] { return released == 100; }));
}

TEST_F(ToKafkaTest, AnIoContextRunsOutOfWorkWhenAllHasArrived) {
  asio::io_context io;
  Stream<std::string> here(io);
  here.pipe(to_kafka("t", options()));
  Outcome closed;
  for (int x = 0; x < 10; ++x) here.async_emit(std::to_string(x), asio::detached);
  here.async_close(closed.token());
  io.run_for(kOutsideDeadline);
  EXPECT_TRUE(io.stopped());
  EXPECT_TRUE(closed.done());
  EXPECT_EQ(arrived(10), numbers(0, 10));
}

TEST_F(ToKafkaTest, RefusesBadOptionsWithTheirNames) {
  const auto refused = [&](auto change, const std::string& topic = "t") -> std::string {
    auto bad = options();
    change(bad);
    try {
      to_kafka(topic, bad);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_THAT(refused([](auto& o) { o.config = {{"no.such.key", "1"}}; }), HasSubstr("no.such.key"));
  EXPECT_THAT(refused([](auto& o) { o.config = {{"acks", "1"}}; }), HasSubstr("acks"));
  EXPECT_EQ(refused([](auto& o) { o.config = {{"acks", "1"}, {"enable.idempotence", "false"}}; }), "taken");
  EXPECT_THAT(refused([](auto& o) { o.window = 0; }), HasSubstr(".window"));
  EXPECT_THAT(refused([](auto& o) { o.brokers.clear(); }), HasSubstr(".brokers"));
  EXPECT_THAT(refused([](auto&) {}, ""), HasSubstr("topic"));
}

}  // namespace
}  // namespace penstock
