// from_mqtt() against a real broker, and both ends together while it dies.
#include <fstream>
#include <set>
#include <thread>

#include "tests/connectors/mqtt_broker.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

// Counts different payloads: at QoS 1 some come twice.
class Distinct {
 public:
  auto note() {
    return [this](const MqttMessage& message) {
      std::lock_guard lock(mutex_);
      if (message.topic != "ready") payloads_.insert(message.payload);
      changed_.notify_all();
    };
  }
  bool has(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return payloads_.size() >= count; });
  }
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return payloads_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> payloads_;
};

// What a stop has still to do there is done afterwards.
void settle(const LoopThread& thread) {
  std::promise<void> over;
  auto future = over.get_future();
  thread.loop()->post([&] { over.set_value(); });
  if (!arrives(future)) std::abort();
}

class FromMqtt : public MqttCase {
 protected:
  ~FromMqtt() override { settle(thread); }

  FromMqttOptions options(const std::string& client_id = "") {
    return {.host = "127.0.0.1",
            .port = broker.port(),
            .client_id = client_id,
            .reconnect = reconnect(),
            .loop = thread};
  }

  // Starts it and returns when it has subscribed: the retained message has come.
  void start(const Source<MqttMessage>& source) {
    broker.publish("ready", {"yes"}, "-r -q 1");
    source.start();
    ASSERT_TRUE(inbox.is([](const auto& messages) {
      return std::any_of(messages.begin(), messages.end(), [](const auto& m) { return m.topic == "ready"; });
    }));
  }
  std::vector<MqttMessage> messages() {
    auto all = inbox.values();
    std::erase_if(all, [](const auto& message) { return message.topic == "ready"; });
    return all;
  }

  Inbox<MqttMessage> inbox;
  Distinct distinct;
};

TEST_F(FromMqtt, EmitsWhatMatchesItsFilters) {
  const auto source = from_mqtt({"ready", "room/+/heat", "door/#"}, options());
  source.sink(inbox.note());
  start(source);
  broker.publish("room/1/heat", {"20"});
  broker.publish("room/1/light", {"no"});
  broker.publish("room/1/2/heat", {"no"});
  broker.publish("door/front/lock", {"open"});
  ASSERT_TRUE(inbox.has(3));
  EXPECT_THAT(messages(), ElementsAre(MqttMessage{"room/1/heat", "20", 1, false},
                                      MqttMessage{"door/front/lock", "open", 1, false}));
  source.stop();
  EXPECT_THAT(notices.values(), IsEmpty());
}

class FromMqttAt : public FromMqtt, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Qos, FromMqttAt, ::testing::Values(0, 1, 2));

TEST_P(FromMqttAt, DeliversInOrderEachOnce) {
  auto with_qos = options();
  with_qos.qos = GetParam();
  const auto source = from_mqtt({"ready", "n"}, with_qos);
  source.sink(inbox.note());
  start(source);
  broker.publish("n", numbers(0, 500), "-q 2");
  ASSERT_TRUE(inbox.has(501));
  std::vector<std::string> payloads;
  for (const auto& message : messages()) {
    EXPECT_EQ(message.qos, GetParam());
    payloads.push_back(message.payload);
  }
  EXPECT_EQ(payloads, numbers(0, 500));
  source.stop();
}

TEST_F(FromMqtt, TellsWhatTheBrokerHadKept) {
  broker.publish("state", {"on"}, "-r -q 1");
  const auto source = from_mqtt({"#"}, options());
  source.sink(inbox.note());
  start(source);
  ASSERT_TRUE(inbox.has(2));
  broker.publish("state", {"off"}, "-r -q 1");
  ASSERT_TRUE(inbox.has(3));
  EXPECT_THAT(messages(), ElementsAre(MqttMessage{"state", "on", 1, true},
                                      MqttMessage{"state", "off", 1, false}));
  source.stop();
}

TEST_F(FromMqtt, TakesAPayloadOfAMebibyte) {
  std::string payload(1 << 20, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 31 >> 4);
  std::ofstream(broker.folder() / "big") << payload;
  const auto source = from_mqtt({"ready", "big"}, options());
  source.sink(inbox.note());
  start(source);
  for (int i = 0; i < 5; ++i) broker.publish_file("big", broker.folder() / "big");
  ASSERT_TRUE(inbox.has(6));
  for (const auto& message : messages()) EXPECT_TRUE(message.payload == payload);
  source.stop();
}

// A sink that a valve holds up.
auto sink_behind(Valve& valve, Inbox<MqttMessage>& inbox) {
  return [&](const MqttMessage& message) -> asio::awaitable<void> {
    inbox.add(message);
    if (message.topic != "ready") co_await valve.pass();
  };
}

TEST_F(FromMqtt, LeavesAtTheBrokerWhatASlowStreamHasNoRoomFor) {
  auto few = options("slow");
  few.max_waiting = 10;
  Valve valve(false);
  const auto source = from_mqtt({"ready", "n"}, few);
  source.sink(sink_behind(valve, inbox));
  start(source);
  broker.publish("n", numbers(0, 3'000));
  ASSERT_TRUE(inbox.has(2));
  source.stop();
  ASSERT_TRUE(broker.logs("Client slow disconnected"));
  // One is in the sink, ten wait; what was under way then was not acknowledged.
  const auto rest = broker.kept("slow", "n", 2'989);
  EXPECT_EQ(rest.size(), 2'989u);
  valve.open();
  source.start();
  ASSERT_TRUE(inbox.has(12));
  EXPECT_EQ(messages()[10].payload, "10");
  source.stop();
  source.drain();
}

// What it has received is what it still emits when there is no broker any more.
TEST_F(FromMqtt, LeavesAtTheBrokerWhatMaxWaitingBytesHasNoRoomFor) {
  for (const int qos : {1, 2}) {
    const std::string id = "slow" + std::to_string(qos);
    auto few = options(id);
    few.qos = qos;
    few.max_waiting_bytes = 1'000;
    Inbox<MqttMessage> got;
    Valve valve(false);
    const auto source = from_mqtt({"n"}, few);
    source.sink(sink_behind(valve, got));
    source.start();
    ASSERT_TRUE(broker.logs(id + " " + std::to_string(qos) + " n"));
    std::vector<std::string> lines;
    for (int x = 0; x < 100; ++x) lines.push_back(std::to_string(100 + x) + std::string(397, '.'));
    broker.publish("n", lines, "-q 2");
    // One is in the sink, and the third that waits goes beyond the limit.
    const std::string acknowledged = qos == 1 ? "Received PUBACK from " : "Received PUBCOMP from ";
    ASSERT_TRUE(broker.logs(acknowledged + id + " (Mid: 4"));
    source.stop();
    ASSERT_TRUE(broker.logs("Client " + id + " disconnected"));
    broker.stop();
    source.start();
    valve.open();
    ASSERT_TRUE(got.has(4));
    // At QoS 2 those that were under way still come: the broker sends 20 at a time.
    const std::size_t most = qos == 1 ? 4 : 4 + 20;
    EXPECT_TRUE(stays([&] { return got.size() <= most; })) << got.size() << " at QoS " << qos;
    broker.start();
    ASSERT_TRUE(got.is([&](const auto& all) { return !all.empty() && all.back().payload == lines.back(); }));
    std::set<std::string> payloads;
    for (const auto& message : got.values()) payloads.insert(message.payload);
    EXPECT_EQ(payloads, std::set(lines.begin(), lines.end())) << "nothing is lost";
    source.stop();
    source.drain();
    settle(thread);
  }
}

TEST_F(FromMqtt, ConnectsAgainWhileItHasNoRoom) {
  auto few = options("slow");
  few.max_waiting = 1;
  few.keepalive = 5s;  // its pings find out
  few.connect_timeout = 500ms;
  Valve valve(false);
  const auto source = from_mqtt({"ready", "n"}, few);
  source.sink(distinct.note());
  source.sink(sink_behind(valve, inbox));
  start(source);
  broker.publish("n", numbers(0, 100));
  ASSERT_TRUE(inbox.has(2));
  broker.stop();
  ASSERT_TRUE(notices.has(1));
  EXPECT_THAT(notices.values()[0], HasSubstr("lost the connection"));
  broker.start();
  ASSERT_TRUE(notices.has(2));
  EXPECT_THAT(notices.values()[1], HasSubstr("connected to"));
  EXPECT_TRUE(stays([&] { return notices.size() == 2; }, 2s)) << "and keeps this connection";
  EXPECT_EQ(inbox.size(), 2u);
  valve.open();
  EXPECT_TRUE(distinct.has(100)) << distinct.size();
  source.stop();
  source.drain();
}

TEST_F(FromMqtt, GivesUpABrokerThatSaysNothingAfterConnectTimeoutAndTriesAgain) {
  broker.stop();
  std::optional<SilentServer> silent(broker.port());
  auto impatient = options();
  impatient.connect_timeout = 300ms;
  const auto source = from_mqtt({"ready"}, impatient);
  source.sink(inbox.note());
  const auto begin = std::chrono::steady_clock::now();
  source.start();
  ASSERT_TRUE(notices.has(1));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 5s) << "10 s are the default";
  EXPECT_EQ(notices.values()[0], "from_mqtt(): no connection to 127.0.0.1:" + std::to_string(broker.port()) +
                                     ": no answer in time; trying again");
  EXPECT_TRUE(eventually([&] { return silent->connections() >= 3; }));
  EXPECT_EQ(notices.size(), 1u) << "told once";
  silent.reset();
  broker.start();
  broker.publish("ready", {"yes"}, "-r -q 1");
  EXPECT_TRUE(inbox.has(1));
  EXPECT_THAT(notices.values(), ElementsAre(HasSubstr("no answer in time"), HasSubstr("connected to")));
  source.stop();
}

TEST_F(FromMqtt, StaysConnectedWhileItReadsNothing) {
  auto impatient = options("slow");
  impatient.max_waiting = 1;
  impatient.keepalive = 5s;  // the broker gives up after 7.5 s
  Valve valve(false);
  const auto source = from_mqtt({"ready", "n"}, impatient);
  source.sink(sink_behind(valve, inbox));
  start(source);
  broker.publish("n", numbers(0, 200));
  ASSERT_TRUE(inbox.has(2));
  std::this_thread::sleep_for(11s);
  valve.open();
  ASSERT_TRUE(inbox.has(201));
  EXPECT_EQ(inbox.values().size(), 201u);
  EXPECT_THAT(notices.values(), IsEmpty());
  source.stop();
  source.drain();
}

TEST_F(FromMqtt, LosesNothingBetweenStopAndStart) {
  const auto source = from_mqtt({"ready", "n"}, options("keeper"));
  source.sink(inbox.note());
  source.sink(distinct.note());
  start(source);
  for (int round = 0; round < 5; ++round) {
    broker.publish("n", numbers(round * 200, round * 200 + 100));
    source.stop();
    broker.publish("n", numbers(round * 200 + 100, round * 200 + 200));
    source.start();
  }
  EXPECT_TRUE(distinct.has(1'000)) << distinct.size();
  source.stop();
}

TEST_F(FromMqtt, BothEndsGoOnWhenTheBrokerComesBackAndNothingIsLost) {
  const auto source = from_mqtt({"ready", "n"}, options("keeper"));
  source.filter([](const MqttMessage& message) { return message.topic == "ready"; }).sink(inbox.note());
  source.sink(distinct.note());
  start(source);
  Stream<std::string> numbers_out{LoopRef(thread)};
  numbers_out.pipe(to_mqtt({.host = "127.0.0.1",
                            .port = broker.port(),
                            .client_id = "writer",
                            .topic = "n",
                            .window = 20,
                            .reconnect = reconnect()}));
  constexpr int kCount = 20'000;
  std::thread writer([&] {
    for (int x = 0; x < kCount; ++x) numbers_out.emit(std::to_string(x));
    numbers_out.drain();
  });
  for (std::size_t seen : {1'000u, 4'000u, 8'000u}) {
    EXPECT_TRUE(distinct.has(seen));
    broker.stop();
    broker.start();
  }
  writer.join();
  EXPECT_TRUE(distinct.has(kCount)) << distinct.size();
  EXPECT_TRUE(notices.is([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& text) {
      return text.starts_with("from_mqtt(): lost the connection");
    });
  }));
  source.stop();
}

TEST_F(FromMqtt, ComesBackAfterAKilledBrokerThatForgotTheSession) {
  const auto source = from_mqtt({"ready", "n"}, options("keeper"));
  source.sink(inbox.note());
  start(source);
  broker.kill();
  std::filesystem::remove(broker.folder() / "mosquitto.db");
  std::filesystem::remove(broker.folder() / "log");
  broker.start();
  ASSERT_TRUE(broker.logs("keeper 1 n"));
  broker.publish("n", {"back"});
  EXPECT_TRUE(inbox.is([](const auto& all) { return !all.empty() && all.back().payload == "back"; }));
  source.stop();
}

TEST_F(FromMqtt, WaitsForABrokerThatIsNotThereYet) {
  broker.stop();
  const auto source = from_mqtt({"ready"}, options());
  source.sink(inbox.note());
  source.start();
  ASSERT_TRUE(notices.has(1));
  EXPECT_THAT(notices.values()[0], HasSubstr("from_mqtt(): no connection to 127.0.0.1"));
  broker.start();
  broker.publish("ready", {"yes"}, "-r -q 1");
  EXPECT_TRUE(inbox.has(1));
  source.stop();
}

TEST_F(FromMqtt, TriesAHostThatIsNotFoundAgainUntilTheStop) {
  auto nowhere = options();
  nowhere.host = "no-such-host.invalid";
  const auto source = from_mqtt({"#"}, nowhere);
  source.sink(inbox.note());
  source.start();
  ASSERT_TRUE(notices.has(1));
  EXPECT_THAT(notices.values()[0], HasSubstr("no-such-host.invalid:"));
  source.stop();
  source.drain();
}

TEST(FromMqttWithAPassword, IsRefusedWithTheBrokersReason) {
  MqttBroker open;  // for its folder
  const auto file = (open.folder() / "passwords").string();
  ASSERT_EQ(std::system(("mosquitto_passwd -b -c " + file + " ann right > /dev/null 2>&1").c_str()), 0);
  MqttBroker broker("allow_anonymous false\npassword_file " + file + "\n");
  LoopThread thread;
  Inbox<MqttMessage> inbox;
  const auto source = [&](const std::string& password) {
    return from_mqtt({"#"}, {.host = "127.0.0.1", .port = broker.port(), .username = "ann",
                             .password = password, .loop = thread});
  };
  const auto wrong = source("wrong");
  std::promise<std::string> told;
  auto error = told.get_future();
  wrong.set_error_handler([&](std::exception_ptr raised) { told.set_value(what(raised)); });
  wrong.sink(inbox.note());
  wrong.start();
  ASSERT_TRUE(arrives(error));
  EXPECT_THAT(error.get(), HasSubstr("refused: not authorised"));

  const auto right = source("right");
  right.sink(inbox.note());
  right.start();
  Stream<std::string> out{LoopRef(thread)};
  out.pipe(to_mqtt({.host = "127.0.0.1", .port = broker.port(), .topic = "x", .retained = true,
                    .username = "ann", .password = "right"}));
  out.emit("hello");
  EXPECT_TRUE(inbox.has(1));
  right.stop();

  Stream<std::string> bad{LoopRef(thread)};
  bad.pipe(to_mqtt({.host = "127.0.0.1", .port = broker.port(), .topic = "x", .username = "ann",
                    .password = "wrong"}));
  for (int x = 0; x < 3; ++x) bad.emit("never");
  EXPECT_THROW(bad.drain(), Error);
  settle(thread);
}

TEST_F(FromMqtt, MayBeDestroyedWhileItIsConnected) {
  const auto source = from_mqtt({"ready", "n"}, options());
  source.sink(inbox.note());
  start(source);
  source.destroy();
  broker.publish("n", {"late"});
  std::optional<Source<MqttMessage>> dropped = from_mqtt({"#"}, options("dropped"));
  auto end = dropped->sink(inbox.note());
  dropped->start();
  ASSERT_TRUE(broker.logs("dropped 1 #"));
  dropped.reset();
  end.stop();
  EXPECT_TRUE(broker.logs("Client dropped disconnected"));
}

TEST_F(FromMqtt, RefusesBadOptions) {
  EXPECT_THROW(from_mqtt({}, options()), Error);
  EXPECT_THROW(from_mqtt({"a/#/b"}, options()), Error);
  const auto bad = [&](auto change) {
    auto changed = options();
    change(changed);
    EXPECT_THROW(from_mqtt({"#"}, changed), Error);
  };
  bad([](auto& o) { o.qos = 3; });
  bad([](auto& o) { o.max_waiting = 0; });
  bad([](auto& o) { o.host = ""; });
  bad([](auto& o) { o.port = 0; });
  bad([](auto& o) { o.keepalive = 1s; });
  bad([](auto& o) { o.connect_timeout = 0s; });
  bad([](auto& o) { o.password = "of nobody"; });
  bad([](auto& o) { o.reconnect.first_pause = 0s; });
}

}  // namespace
}  // namespace penstock
