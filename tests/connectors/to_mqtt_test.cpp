// to_mqtt() against a real broker.
#include <optional>
#include <thread>

#include "tests/connectors/mqtt_broker.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class ToMqttSink : public MqttCase {
 protected:
  ToMqttOptions options(int qos = 1) {
    return {.host = "127.0.0.1",
            .port = broker.port(),
            .topic = "x",
            .qos = qos,
            .reconnect = reconnect()};
  }

  Stream<std::string> source{LoopRef(thread)};
};

class ToMqttAt : public ToMqttSink, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Qos, ToMqttAt, ::testing::Values(0, 1, 2));

TEST_P(ToMqttAt, PublishesInOrderEachOnce) {
  broker.keep("check", "x", 2);
  source.pipe(to_mqtt(options(GetParam())));
  std::vector<std::string> expected;
  for (int i = 0; i < 1'000; ++i) {
    source.emit(std::to_string(i));
    expected.push_back(std::to_string(i) + " q" + std::to_string(GetParam()));
  }
  source.drain();
  EXPECT_EQ(broker.kept("check", "x", 1'000, "%p q%q"), expected);
}

TEST_P(ToMqttAt, ATokenIsHeldUntilTheBrokerHasIt) {
  source.pipe(to_mqtt(options(GetParam())));
  std::promise<void> released;
  auto gone = released.get_future();
  broker.stop();
  source.emit("x", Token([&] { released.set_value(); }));
  EXPECT_EQ(gone.wait_for(50ms), std::future_status::timeout);
  broker.start();
  EXPECT_TRUE(arrives(gone));
}

TEST_F(ToMqttSink, MessagesHaveTheirOwnTopic) {
  Stream<MqttMessage> messages{LoopRef(thread)};
  broker.keep("check", "+", 2);  // not b/c: what the broker retains comes again with each subscription
  messages.pipe(to_mqtt(options()));
  messages.emit({.topic = "a", .payload = "1", .qos = 2});
  messages.emit({.payload = "2", .qos = 0});
  messages.emit({.topic = "b/c", .payload = "3", .retained = true});
  messages.drain();
  EXPECT_THAT(broker.kept("check", "+", 2, "%t %p %q"),
              ::testing::UnorderedElementsAre("a 1 2", "x 2 0"));
  EXPECT_EQ(broker.retained("b/c"), "1 3");
}

TEST_F(ToMqttSink, SendsAMebibyte) {
  broker.keep("check", "x");
  source.pipe(to_mqtt(options()));
  for (int i = 0; i < 5; ++i) source.emit(std::string(1 << 20, static_cast<char>('a' + i)));
  source.drain();
  const auto got = broker.kept("check", "x", 5);
  ASSERT_EQ(got.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(got[static_cast<std::size_t>(i)] == std::string(1 << 20, static_cast<char>('a' + i)));
  }
}

TEST_F(ToMqttSink, TheEndWaitsForAcknowledgementsAndDisconnects) {
  auto named = options();
  named.client_id = "writer";
  broker.keep("check", "x");
  source.pipe(to_mqtt(named));
  for (int i = 0; i < 50; ++i) source.async_emit(std::to_string(i), asio::detached);
  source.close();
  EXPECT_TRUE(broker.logs("Client writer disconnected"));
  EXPECT_EQ(broker.kept("check", "x", 50).size(), 50u);
}

TEST_F(ToMqttSink, EmitWaitsWhileTheBrokerIsAwayAndTheWindowIsFull) {
  auto small = options();
  small.window = 3;
  source.pipe(to_mqtt(small));
  source.emit("first");
  source.drain();
  broker.keep("check", "x");
  broker.stop();
  for (int i = 0; i < 3; ++i) source.emit(std::to_string(i));
  auto fourth = source.async_emit("3", asio::use_future);
  EXPECT_EQ(fourth.wait_for(50ms), std::future_status::timeout);
  broker.start();
  ASSERT_TRUE(arrives(fourth));
  source.drain();
  EXPECT_THAT(broker.kept("check", "x", 4), ElementsAre("0", "1", "2", "3"));
}

TEST_F(ToMqttSink, GivesUpABrokerThatSaysNothingAfterConnectTimeoutAndTriesAgain) {
  broker.keep("check", "x");
  broker.stop();
  std::optional<SilentServer> silent(broker.port());
  auto impatient = options();
  impatient.connect_timeout = 300ms;
  source.pipe(to_mqtt(impatient));
  const auto begin = std::chrono::steady_clock::now();
  source.emit("waits");
  ASSERT_TRUE(notices.has(1));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 5s) << "10 s are the default";
  EXPECT_EQ(notices.values()[0], "to_mqtt(): no connection to 127.0.0.1:" + std::to_string(broker.port()) +
                                     ": no answer in time; trying again");
  EXPECT_TRUE(eventually([&] { return silent->connections() >= 3; }));
  silent.reset();
  broker.start();
  source.drain();
  EXPECT_THAT(broker.kept("check", "x", 1), ElementsAre("waits"));
}

TEST_F(ToMqttSink, SendsAgainWhatWasNotAcknowledged) {
  auto named = options(2);
  named.client_id = "writer";
  broker.keep("check", "x", 2);
  source.pipe(to_mqtt(named));
  std::thread writer([&] {
    for (int i = 0; i < 5'000; ++i) source.emit(std::to_string(i));
    source.drain();
  });
  for (int round = 0; round < 3; ++round) {
    broker.stop();
    broker.start();
  }
  writer.join();
  // At QoS 2 each comes once, restarts or not.
  const auto got = broker.kept("check", "x", 5'001, "%p", 5);
  ASSERT_EQ(got.size(), 5'000u);
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(got[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(ToMqttSink, ABadTopicFailsItsElementOnly) {
  Stream<MqttMessage> messages{LoopRef(thread)};
  broker.keep("check", "#");
  messages.pipe(to_mqtt(options()));
  messages.emit({.topic = "a/#", .payload = "no"});
  EXPECT_THROW(messages.drain(), Error);
  messages.emit({.topic = "a", .payload = "yes"});
  messages.drain();
  EXPECT_THAT(broker.kept("check", "#", 1), ElementsAre("yes"));
}

TEST_F(ToMqttSink, MayGoWhileItIsConnected) {
  for (int round = 0; round < 20; ++round) {
    Stream<std::string> stream{LoopRef(thread)};
    auto sink = stream.pipe(to_mqtt(options()));
    stream.emit("x");
    if (round % 2 == 0) stream.drain();
    if (round % 4 < 2) sink.destroy();
  }
}

TEST_F(ToMqttSink, RefusesBadOptions) {
  const auto bad = [&](auto change) {
    auto changed = options();
    change(changed);
    EXPECT_THROW(source.pipe(to_mqtt(changed)), Error);
  };
  bad([](auto& o) { o.topic = ""; });
  bad([](auto& o) { o.topic = "a/+"; });
  bad([](auto& o) { o.qos = -1; });
  bad([](auto& o) { o.window = 0; });
  bad([](auto& o) { o.window = 100'000; });
  bad([](auto& o) { o.host = ""; });
}

}  // namespace
}  // namespace penstock
