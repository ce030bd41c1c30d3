// What happens around a consumer: a broker that goes, a stream that is slow for long, another member.
#include <map>
#include <set>

#include "tests/connectors/mock_kafka.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

struct KafkaGroup : KafkaCase {};

TEST_F(KafkaGroup, ABrokerThatGoesAndComesBackLosesNothing) {
  kafka.create("in", 1);
  kafka.create("out", 1);
  kafka.fill("in", 0, 100);
  Inbox<std::string> notices;
  const ReconnectOptions reconnect{
      .longest_pause = 500ms,
      .on_notice = [&](std::string_view text) { notices.add(std::string(text)); }};
  auto from = options();
  from.reconnect = reconnect;
  const auto source = from_kafka({"in"}, from);
  std::atomic<int> passed{0};
  source
      .map([&](const KafkaMessage& message) {
        ++passed;
        return message.value;
      })
      .pipe(to_kafka("out", {.brokers = kafka.addresses(), .reconnect = reconnect}));
  // A sink of its own, whose elements come while nobody is there.
  Stream<std::string> meanwhile(thread);
  meanwhile.pipe(to_kafka("in", {.brokers = kafka.addresses(), .reconnect = reconnect}));
  source.start();
  ASSERT_TRUE(eventually([&] { return committed(0, "in") == 100; }));
  EXPECT_THAT(notices.values(), IsEmpty());

  kafka.down();
  for (int x = 100; x < 200; ++x) meanwhile.emit(std::to_string(x));
  const auto told = [&](const char* by, const char* what) {
    int times = 0;
    for (const auto& notice : notices.values()) {
      times += notice.starts_with(by) && notice.find(what) != std::string::npos ? 1 : 0;
    }
    return times;
  };
  ASSERT_TRUE(eventually([&] { return told("from_kafka()", "no broker") == 1; }));
  ASSERT_TRUE(eventually([&] { return told("to_kafka()", "no broker") >= 1; }));
  EXPECT_EQ(passed, 100);
  kafka.up();
  meanwhile.drain();
  EXPECT_TRUE(eventually([&] { return committed(0, "in") == 200; }));
  source.stop();
  source.drain();

  std::vector<std::string> arrived;
  for (const auto& message : kafka.read("out", 0, 200)) arrived.push_back(message.value);
  EXPECT_EQ(arrived, numbers(0, 200));
  EXPECT_EQ(told("from_kafka()", "no broker"), 1) << "once, however often it tries";
  EXPECT_EQ(told("from_kafka()", "answers again"), 1);
  EXPECT_GE(told("to_kafka()", "answers again"), 1);
}

// Its max.poll.interval.ms is shorter than its element takes.
TEST_F(KafkaGroup, ASlowStreamStaysAMember) {
  kafka.create("t", 1);
  kafka.fill("t", 0, 10);
  auto impatient = options();
  impatient.config["max.poll.interval.ms"] = "4000";
  impatient.commit_interval = 1h;
  const auto source = from_kafka({"t"}, impatient);
  Inbox<std::string> errors;
  source.set_error_handler([&](std::exception_ptr error) { errors.add(what(error)); });
  source.sink([&](const KafkaMessage& message) -> asio::awaitable<void> {
    seen.add(message.value);
    if (message.offset == 5) co_await valve.pass();
  });
  source.start();
  ASSERT_TRUE(eventually([&] { return valve.arrived() == 1; }));
  EXPECT_TRUE(stays([&] { return errors.size() == 0; }, 9s));
  valve.open();
  ASSERT_TRUE(eventually([&] { return seen.size() == 10; }));
  EXPECT_EQ(seen.values(), numbers(0, 10)) << "a member that was thrown out reads again what it had";
  source.stop();
  source.drain();
  EXPECT_EQ(committed(), 10);
  EXPECT_THAT(errors.values(), IsEmpty());
}

TEST_F(KafkaGroup, TwoMembersShareThePartitionsAndLoseNothing) {
  constexpr int kPartitions = 4;
  kafka.create("t", kPartitions);
  Inbox<std::pair<int, std::int64_t>> both;
  const auto member = [&](std::atomic<int>& count, const LoopRef& loop) {
    auto source = from_kafka({"t"}, group_options(kafka, loop));
    source.sink([&](const KafkaMessage& message) {
      both.add({message.partition, message.offset});
      ++count;
    });
    source.start();
    return source;
  };
  int written = 0;
  const auto write = [&] {
    for (int partition = 0; partition < kPartitions; ++partition) kafka.fill("t", partition, 50, written);
    written += 50;
  };
  write();
  std::atomic<int> of_first{0}, of_second{0};
  const auto first = member(of_first, thread);
  ASSERT_TRUE(eventually([&] { return of_first >= 4 * 50; }));
  LoopThread other;
  const auto second = member(of_second, other);
  // Until both have had their share.
  ASSERT_TRUE(eventually([&] {
    write();
    return of_second > 0;
  }));
  const int before = of_first;
  ASSERT_TRUE(eventually([&] {
    write();
    return of_first > before;
  }));
  // One leaves; the other takes over all.
  second.stop();
  second.drain();
  write();
  const auto all_seen = [&] {
    const auto values = both.values();
    return std::set(values.begin(), values.end()).size() == static_cast<std::size_t>(kPartitions * written);
  };
  EXPECT_TRUE(eventually(all_seen));
  for (int partition = 0; partition < kPartitions; ++partition) {
    EXPECT_TRUE(eventually([&] { return committed(partition) == written; }));
  }
  first.stop();
  first.drain();
}


TEST_F(KafkaGroup, NoBrokerAtAllIsToldOnceAndAStopDoesNotWaitForIt) {
  auto nowhere = options();
  nowhere.brokers = "127.0.0.1:1";
  Inbox<std::string> notices;
  nowhere.reconnect.on_notice = [&](std::string_view text) { notices.add(std::string(text)); };
  const auto source = from_kafka({"t"}, nowhere);
  source.sink([](const KafkaMessage&) {});
  source.start();
  ASSERT_TRUE(eventually([&] { return notices.size() == 1; }));
  EXPECT_THAT(notices.values()[0], HasSubstr("127.0.0.1:1"));
  EXPECT_TRUE(stays([&] { return notices.size() == 1; }));
  const auto start = std::chrono::steady_clock::now();
  source.stop();
  source.drain();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 6s);
}

}  // namespace
}  // namespace penstock
