// Messages of a Kafka topic as a stream: order, commits, restarts.
#include "penstock/connectors/from_kafka.hpp"

#include <asio/steady_timer.hpp>
#include <map>
#include <numeric>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct FromKafka : KafkaCase {};

TEST_F(FromKafka, EmitsEachPartitionInOrder) {
  kafka.create("t", 3);
  for (int partition = 0; partition < 3; ++partition) kafka.fill("t", partition, 1000);
  const auto source = from_kafka({"t"}, options());
  Inbox<KafkaMessage> messages;
  source.sink([&](const KafkaMessage& message) { messages.add(message); });
  source.start();
  ASSERT_TRUE(eventually([&] { return messages.size() == 3000; }));
  std::vector<std::int64_t> next(3, 0);
  for (const auto& message : messages.values()) {
    EXPECT_EQ(message.topic, "t");
    EXPECT_EQ(message.offset, next[message.partition]++);
    EXPECT_EQ(message.value, std::to_string(message.offset));
  }
  for (int partition = 0; partition < 3; ++partition) {
    EXPECT_TRUE(eventually([&] { return committed(partition) == 1000; }));
  }
  source.stop();
  source.drain();
}

TEST_F(FromKafka, EmitsAndCommitsSeveralTopicsEachPartitionInOrder) {
  kafka.create("t", 2);
  kafka.create("other", 1);
  kafka.fill("t", 0, 300);
  kafka.fill("t", 1, 200);
  kafka.fill("other", 0, 100);
  const auto source = from_kafka({"t", "other"}, options());
  Inbox<KafkaMessage> messages;
  source.sink([&](const KafkaMessage& message) { messages.add(message); });
  source.start();
  ASSERT_TRUE(eventually([&] { return messages.size() == 600; }));
  std::map<std::pair<std::string, int>, std::vector<std::string>> values;
  for (const auto& message : messages.values()) {
    values[{message.topic, message.partition}].push_back(message.value);
  }
  EXPECT_THAT(values, SizeIs(3));
  EXPECT_EQ((values[{"t", 0}]), numbers(0, 300));
  EXPECT_EQ((values[{"t", 1}]), numbers(0, 200));
  EXPECT_EQ((values[{"other", 0}]), numbers(0, 100));
  EXPECT_TRUE(eventually([&] { return committed(0) == 300; }));
  EXPECT_TRUE(eventually([&] { return committed(1) == 200; }));
  EXPECT_TRUE(eventually([&] { return committed(0, "other") == 100; }));
  source.stop();
  source.drain();
}

TEST_F(FromKafka, ATopicThatCannotBeReadIsAnErrorWithItsNameAndTheOthersGoOn) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  kafka.deny("missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  kafka.deny("secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  auto quick = options();
  quick.config["topic.metadata.propagation.max.ms"] = "100";  // a topic may be new, and not known to all
  const auto source = from_kafka({"t", "missing", "secret"}, quick);
  Inbox<std::string> errors;
  source.set_error_handler([&](std::exception_ptr error) { errors.add(what(error)); });
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.start();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  EXPECT_EQ(seen.values(), numbers(0, 10));
  ASSERT_TRUE(errors.has(2));
  EXPECT_THAT(errors.values(),
              ::testing::UnorderedElementsAre(AllOf(HasSubstr("from_kafka(): "), HasSubstr("missing")),
                                              AllOf(HasSubstr("from_kafka(): "), HasSubstr("secret"))));
  source.stop();
  EXPECT_THROW(source.drain(), Error);
}

TEST_F(FromKafka, LatestLeavesOutWhatWasThereBeforeAndGoesOnAtTheCommit) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 100);
  auto latest = options();
  latest.auto_offset_reset = "latest";
  const auto source = from_kafka({"t"}, latest);
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.start();
  int written = 100;
  // When it begins nobody tells: until one is seen.
  ASSERT_TRUE(eventually([&] {
    kafka.fill("t", 0, 1, written++);
    return seen.size() > 0;
  }));
  kafka.fill("t", 0, 10, written);
  written += 10;
  ASSERT_TRUE(eventually([&] { return committed() == written; }));
  const int first = std::stoi(seen.values().front());
  EXPECT_GE(first, 100);
  EXPECT_EQ(seen.values(), numbers(first, written)) << "from there on, all";
  source.stop();
  source.drain();
  kafka.fill("t", 0, 10, written);
  written += 10;
  source.start();
  ASSERT_TRUE(eventually([&] { return committed() == written; }));
  EXPECT_EQ(seen.values(), numbers(first, written)) << "what came while nobody was there, too";
  source.stop();
  source.drain();
}

TEST_F(FromKafka, ErrorRaisesForAPartitionWithoutACommitAndReadsThoseThatHaveOne) {
  kafka.create("t", 2);
  kafka.fill("t", 0, 10);
  {
    const auto before = from_kafka({"t"}, options());
    before.sink([](const KafkaMessage&) {});
    before.start();
    ASSERT_TRUE(eventually([&] { return committed(0) == 10; }));
    before.stop();
    before.drain();
  }
  kafka.fill("t", 0, 5, 10);
  kafka.fill("t", 1, 5);
  auto strict = options();
  strict.auto_offset_reset = "error";
  const auto source = from_kafka({"t"}, strict);
  Inbox<std::string> errors;
  source.set_error_handler([&](std::exception_ptr error) { errors.add(what(error)); });
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.start();
  ASSERT_TRUE(errors.has(1));
  EXPECT_TRUE(eventually([&] { return committed(0) == 15; }));
  EXPECT_EQ(seen.values(), numbers(10, 15)) << "of partition 1 nothing";
  EXPECT_EQ(committed(1), -1);
  EXPECT_THAT(errors.values(), ElementsAre(AllOf(HasSubstr("from_kafka(): t [1]: "),
                                                 HasSubstr("no previously committed offset"))));
  source.stop();
  EXPECT_THROW(source.drain(), Error);
}

TEST_F(FromKafka, CommitsWhatHasLeftTheLastSinkAndNoMore) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  source.buffer(100).sink([&](const KafkaMessage& message) -> asio::awaitable<void> {
    if (message.offset >= 4) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return committed() == 4; }));
  EXPECT_TRUE(stays([&] { return committed() == 4; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  source.stop();
  source.drain();
}

TEST_F(FromKafka, CommitsNothingBehindAnElementThatIsStillOnItsWay) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  source.filter([](const KafkaMessage& message) { return message.offset % 2 == 0; })
      .sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.filter([](const KafkaMessage& message) { return message.offset % 2 == 1; })
      .map_async(
          [this](const KafkaMessage& message) -> asio::awaitable<std::int64_t> {
            co_await valve.pass();
            co_return message.offset;
          },
          10)
      .sink([](std::int64_t) {});
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 5 && valve.arrived() == 5; }));
  EXPECT_TRUE(eventually([&] { return committed() == 1; }));
  EXPECT_TRUE(stays([&] { return committed() == 1; })) << "2, 4, 6 and 8 are done, and 1 is not";
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  source.stop();
  source.drain();
}

TEST_F(FromKafka, AWindowHoldsAllOfItsMessagesAndStartGoesOnAtTheCommit) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  Inbox<std::size_t> windows;
  source.partition(4).sink([&](const std::vector<KafkaMessage>& window) { windows.add(window.size()); });
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 10 && committed() == 8; }));
  EXPECT_THAT(windows.values(), ElementsAre(4, 4));
  source.stop();
  source.drain();
  source.start();
  // 8 and 9 stand in a partial window, for which nobody has committed.
  ASSERT_TRUE(eventually([&] { return seen.size() == 12; }));
  EXPECT_THAT(seen.values()[10], "8");
  EXPECT_THAT(seen.values()[11], "9");
  source.stop();
  source.drain();
}

TEST_F(FromKafka, StopCommitsAtOnce) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  auto lazy = options();
  lazy.commit_interval = 1h;
  const auto source = from_kafka({"t"}, lazy);
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 10; }));
  EXPECT_EQ(committed(), -1);
  source.stop();
  source.drain();
  EXPECT_EQ(committed(), 10);
  kafka.fill("t", 0, 5, 10);
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 15; }));
  EXPECT_EQ(seen.values(), numbers(0, 15)) << "nothing twice, nothing left out";
  source.stop();
  source.drain();
}

// The loop stands still for that.
TEST_F(FromKafka, StopWaitsNoLongerThanCloseTimeoutForABrokerThatDoesNotAnswer) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  auto patient = options();
  patient.commit_interval = 1h;
  patient.close_timeout = 1s;
  patient.config["session.timeout.ms"] = "8000";
  const auto source = from_kafka({"t"}, patient);
  source.sink([&](const KafkaMessage& message) { seen.add(message.value); });
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() == 10; }));
  kafka.answer_after(1min);
  const auto start = std::chrono::steady_clock::now();
  source.stop();
  source.drain();
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 1s);
  EXPECT_LT(took, 4s) << "5 s are the default, and 8 s the session";
  kafka.answer_after(0ms);
  kafka.fill("t", 0, 5, 10);
  source.start();
  ASSERT_TRUE(eventually([&] { return seen.size() > 0 && seen.values().back() == "14"; }));
  source.stop();
  source.drain();
  EXPECT_EQ(committed(), 15);
}

TEST_F(FromKafka, StopDoesNotCommitTheElementThatASinkHasInHand) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  source.sink([&](const KafkaMessage& message) -> asio::awaitable<void> {
    seen.add(message.value);
    if (message.offset == 3) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  source.stop();
  EXPECT_TRUE(eventually([&] { return committed() == 3; }));
  valve.open();
  source.drain();
  EXPECT_EQ(committed(), 3) << "it left after the stop";
  source.start();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  EXPECT_EQ(seen.values()[4], "3");
  source.stop();
  source.drain();
}

TEST_F(FromKafka, AnElementThatFailedCountsAsDone) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  source.sink([](const KafkaMessage& message) {
    if (message.offset == 3) throw std::runtime_error("bad message");
  });
  source.start();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.stop();
  source.drain();
}

TEST_F(FromKafka, ADeadLetterIsOnItsWayUntilItsStreamHasLetItGo) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  const auto source = from_kafka({"t"}, options());
  Stream<Failure> errors;
  source
      .map([](const KafkaMessage& message) {
        if (message.offset == 3) throw std::runtime_error("bad message");
        return message.offset;
      })
      .on_error(ErrorPolicy::dead_letter(errors))
      .sink([](std::int64_t) {});
  errors.buffer(10).sink([&](const Failure&) -> asio::awaitable<void> { co_await valve.pass(); });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1 && committed() == 3; }));
  EXPECT_TRUE(stays([&] { return committed() == 3; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 10; }));
  source.stop();
  source.drain();
}

TEST_F(FromKafka, ASlowStreamMakesItWait) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 1000);
  const auto source = from_kafka({"t"}, options());
  Inbox<std::int64_t> taken;
  source.map([&](const KafkaMessage& message) {
    taken.add(message.offset);
    return message.offset;
  }).sink([&](std::int64_t) -> asio::awaitable<void> { co_await valve.pass(); });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  EXPECT_TRUE(stays([&] { return taken.size() == 1; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 1000; }));
  source.stop();
  source.drain();
}

TEST_F(FromKafka, ReadsNoMoreThanMaxOutstandingBeyondTheFirstThatIsNotDone) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 1000);
  auto few = options();
  few.max_outstanding = 10;
  const auto source = from_kafka({"t"}, few);
  Inbox<std::int64_t> taken;
  source.sink([&](const KafkaMessage& message) { taken.add(message.offset); });
  source.buffer(1000).sink(
      [&](const KafkaMessage&) -> asio::awaitable<void> { co_await valve.pass(); });
  source.start();
  ASSERT_TRUE(eventually([&] { return taken.size() == 10; }));
  EXPECT_TRUE(stays([&] { return taken.size() == 10; }));
  valve.open();
  EXPECT_TRUE(eventually([&] { return committed() == 1000; }));
  std::vector<std::int64_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(taken.values(), all);
  source.stop();
  source.drain();
}

TEST_F(FromKafka, RunsOnTheLoopOfAnApplicationWhichEndsAfterTheStop) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 100);
  asio::io_context io;
  auto here = group_options(kafka, io);
  std::optional<Source<KafkaMessage>> source = from_kafka({"t"}, here);
  source->sink([&](const KafkaMessage& message) {
    seen.add(message.value);
    if (seen.size() == 100) source->stop();
  });
  source->start();
  io.run_for(kOutsideDeadline);
  EXPECT_TRUE(io.stopped());
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(committed(), 100);
}

// Of a stream that nobody stopped, and that keeps itself. Frames go with the context, and with that of the
// sink the token of a message that it has not finished.
TEST_F(FromKafka, ALoopThatIsDestroyedCommitsNothingMore) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  std::optional<asio::io_context> io(std::in_place);
  auto here = group_options(kafka, *io);
  here.commit_interval = 1h;
  std::optional<Source<KafkaMessage>> source = from_kafka({"t"}, std::exchange(here, {}));
  source->sink([&](const KafkaMessage& message) -> asio::awaitable<void> {
    seen.add(message.value);
    asio::steady_timer timer(*io, message.offset < 3 ? 1ms : 1h);
    co_await timer.async_wait(asio::use_awaitable);
  });
  source->start();
  source.reset();
  const auto deadline = std::chrono::steady_clock::now() + kOutsideDeadline;
  while (seen.size() < 4 && std::chrono::steady_clock::now() < deadline) io->run_for(10ms);
  ASSERT_EQ(seen.size(), 4u);
  io.reset();
  EXPECT_EQ(committed(), -1);
}

// What librdkafka does not take is told when the source is made.
TEST_F(FromKafka, RefusesBadOptionsWithTheirNames) {
  const auto refused = [&](auto change, std::vector<std::string> topics = {"t"}) -> std::string {
    auto bad = options();
    change(bad);
    try {
      from_kafka(topics, bad);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_THAT(refused([](auto& o) { o.config = {{"no.such.key", "1"}}; }), HasSubstr("no.such.key"));
  EXPECT_THAT(refused([](auto& o) { o.config = {{"fetch.min.bytes", "many"}}; }),
              HasSubstr("fetch.min.bytes"));
  EXPECT_THAT(refused([](auto& o) { o.config = {{"enable.auto.commit", "true"}}; }),
              HasSubstr("enable.auto.commit"));
  EXPECT_THAT(refused([](auto& o) { o.config = {{"session.timeout.ms", "400000"}}; }),
              HasSubstr("max.poll.interval.ms"));
  EXPECT_THAT(refused([](auto& o) { o.auto_offset_reset = "middle"; }), HasSubstr("auto.offset.reset"));
  EXPECT_THAT(refused([](auto& o) { o.brokers.clear(); }), HasSubstr(".brokers"));
  EXPECT_THAT(refused([](auto& o) { o.group.clear(); }), HasSubstr(".group"));
  EXPECT_THAT(refused([](auto& o) { o.max_outstanding = 0; }), HasSubstr(".max_outstanding"));
  EXPECT_THAT(refused([](auto& o) { o.commit_interval = 0s; }), HasSubstr(".commit_interval"));
  EXPECT_THAT(refused([](auto&) {}, {}), HasSubstr("topics"));
  auto bad = options();
  bad.max_batch = bad.max_outstanding + 1;
  EXPECT_THROW(from_kafka_batched({"t"}, bad), Error);
}

}  // namespace
}  // namespace penstock
