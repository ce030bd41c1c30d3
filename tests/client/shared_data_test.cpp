// Values for many tasks: scatter, broadcast, and values that clients publish for each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <csignal>
#include <numeric>
#include <penstock/penstock.hpp>
#include <penstock/worker.hpp>
#include <set>
#include <thread>

#include "scheduler/server.hpp"
#include "tests/client/becomes_true.hpp"

namespace penstock {

namespace {
// Counts how often it is decoded in a process.
struct Table {
  std::vector<double> numbers;
};
std::atomic<int> times_decoded{0};
}  // namespace

template <>
struct Codec<Table> {
  static void encode(const Table& table, std::string& out) { penstock::encode(table.numbers, out); }
  static bool decode(Decoder& in, Table& out) {
    ++times_decoded;
    return in.read(out.numbers);
  }
  static std::string signature() { return "table"; }
};

namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;
using testing::SizeIs;
using Workers = LocalOptions::Workers;

Client local(Workers mode, unsigned workers = 2) {
  return Client::local({.mode = mode, .workers = workers, .dashboard = false});
}

Table table_of(std::size_t size) {
  Table table{std::vector<double>(size)};
  std::iota(table.numbers.begin(), table.numbers.end(), 0.0);
  return table;
}

double look_up(std::size_t at, const Table& table) { return table.numbers.at(at); }
std::size_t shared_here() { return detail::count_shared_values(); }

constexpr std::size_t kLarge = 100'000;  // numbers: more than may travel with an outcome

// ---- scatter ------------------------------------------------------------------------------------

TEST(Scatter, BringsAValueToAWorkerForManyTasks) {
  const Client client = local(Workers::kProcesses);
  const auto table = client.scatter(table_of(kLarge));
  std::vector<Future<double>> found;
  for (std::size_t i = 0; i < 20; ++i) found.push_back(client.submit(look_up, i, table));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(found[i].get(), i);
  EXPECT_EQ(table.get().numbers.size(), kLarge);
  EXPECT_EQ(client.scatter(std::string("small")).get(), "small");
}

TEST(Scatter, SurvivesItsWorker) {
  const Client client = local(Workers::kProcesses, 1);
  const auto table = client.scatter(table_of(kLarge));
  table.wait();
  EXPECT_ANY_THROW(client.submit([] { return kill(getpid(), SIGKILL); }).get());
  EXPECT_EQ(client.submit(look_up, 7, table).get(), 7);
}

// ---- broadcast ----------------------------------------------------------------------------------

struct Broadcasts : testing::TestWithParam<Workers> {};

TEST_P(Broadcasts, AreDecodedOnceOnEachWorker) {
  const Client client = local(GetParam());
  const auto table = client.broadcast(table_of(kLarge));
  times_decoded = 0;
  std::vector<Future<double>> found;
  for (std::size_t i = 0; i < 200; ++i) found.push_back(client.submit(look_up, i, table));
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(found[i].get(), i);
  for (const auto& [worker, times] : client.run_on_all([] { return times_decoded.load(); })) {
    EXPECT_LE(times.get(), 1) << worker;
  }
}

TEST_P(Broadcasts, AreExtraArgumentsOfStreams) {
  const Client client = local(GetParam());
  Stream<std::size_t> source;
  // Nobody but the stream has the handle.
  auto out = source.scatter(client)
                 .map([](std::size_t at, const Table& table) { return table.numbers.at(at); },
                      client.broadcast(table_of(kLarge)))
                 .map([](double x, const auto& offset) { return x + *offset; }, client.broadcast(0.5))
                 .gather()
                 .sink_to_vector();
  for (std::size_t i = 0; i < 100; ++i) source.emit(i);
  source.drain();
  ASSERT_THAT(out.values(), SizeIs(100));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(out.values()[i], static_cast<double>(i) + 0.5);
}

TEST_P(Broadcasts, AreFreedWithTheLastHandle) {
  const Client client = local(GetParam());
  auto table = client.broadcast(table_of(10));
  EXPECT_EQ(client.submit(look_up, 3, table).get(), 3);
  EXPECT_GT(client.submit(shared_here).get(), 0u);
  table = {};
  EXPECT_TRUE(becomes_true([&] {
    const auto counts = client.run_on_all(shared_here);
    return std::all_of(counts.begin(), counts.end(), [](const auto& count) { return count.second.get() == 0; });
  }));
}

INSTANTIATE_TEST_SUITE_P(On, Broadcasts, testing::Values(Workers::kThreads, Workers::kProcesses),
                         [](const auto& mode) { return mode.param == Workers::kThreads ? "Threads" : "Processes"; });

TEST(Broadcast, ComesToWorkersThatCameLater) {
  const Client client = local(Workers::kProcesses, 1);
  const auto table = client.broadcast(table_of(kLarge));
  EXPECT_EQ(client.submit(look_up, 3, table).get(), 3);
  const int before = client.submit(getpid).get();
  EXPECT_ANY_THROW(client.submit([] { return kill(getpid(), SIGKILL); }).get());
  EXPECT_EQ(client.submit(look_up, 4, table).get(), 4);
  EXPECT_NE(client.submit(getpid).get(), before);
}

TEST(Broadcast, GoesWithItsClient) {
  const Client client = local(Workers::kThreads, 1);
  {
    const Client other = Client::connect(client.address());
    const auto table = other.broadcast(table_of(10));
    EXPECT_EQ(other.submit(look_up, 3, table).get(), 3);
    EXPECT_EQ(shared_here(), 1u);
  }
  EXPECT_TRUE(becomes_true([] { return shared_here() == 0; }));
}

struct Request {
  Broadcast<Table> table;
  std::size_t at = 0;
};

TEST(Broadcast, MayBeAPartOfAnArgument) {
  const Client client = local(Workers::kProcesses);
  const Request request{client.broadcast(table_of(kLarge)), 9};
  EXPECT_EQ(client.submit([](const Request& r) { return r.table->numbers.at(r.at); }, request).get(), 9);
}

TEST(Broadcast, IsItsOwnValueOnTheClientAndInLocalStreams) {
  const Client client = local(Workers::kThreads, 1);
  const auto table = client.broadcast(table_of(10));
  EXPECT_EQ(table->numbers.size(), 10u);
  Stream<std::size_t> source;
  auto out = source.map(look_up, table).sink_to_vector();
  source.emit(5);
  EXPECT_THAT(out.values(), ElementsAre(5));
  EXPECT_THAT([] { *Broadcast<int>(); }, testing::ThrowsMessage<Error>(HasSubstr("Broadcast is empty")));
}

TEST(Broadcast, OfAnotherClientIsNotForTasksOfOnesOwn) {
  const Client client = local(Workers::kThreads, 1);
  const auto hands_on = [](const Broadcast<int>& handle) {
    return Client::current().submit([](int x) { return x; }, handle).get();
  };
  EXPECT_THAT([&] { client.submit(hands_on, client.broadcast(1)).get(); },
              testing::ThrowsMessage<TaskRaised>(HasSubstr("broadcast() its value again")));
  const auto has_its_own = [](const int& x) {
    const Client own = Client::current();
    return own.submit([](int y) { return y + 1; }, own.broadcast(x)).get();
  };
  EXPECT_EQ(client.submit(has_its_own, client.broadcast(1)).get(), 2);
}

TEST(Broadcast, ThatHaveNoRoomTogetherSaySo) {
  const Client client = local(Workers::kThreads, 1);
  detail::limit_shared_values(1);  // one at a time
  const auto sum = [](const int& a, const int& b) { return a + b; };
  const auto one = client.broadcast(1), two = client.broadcast(2);
  EXPECT_EQ(client.submit([](const int& a) { return a; }, one).get(), 1);
  EXPECT_EQ(client.submit([](const int& a) { return a; }, two).get(), 2);
  EXPECT_THAT([&] { client.submit(sum, one, two).get(); },
              testing::ThrowsMessage<TaskRefused>(HasSubstr("do not come together on any worker")));
  detail::limit_shared_values(1 << 20);
  EXPECT_EQ(client.submit(sum, one, two).get(), 3);
}

TEST(Broadcast, WhoseHandleIsGoneSaysSo) {
  const Client client = local(Workers::kThreads, 1);
  std::string bytes;
  encode(client.broadcast(1), bytes);
  const auto use = [](const std::string& name) {
    Broadcast<int> handle;
    (void)decode(name, handle);
    return *handle;
  };
  EXPECT_THAT([&] { client.submit(use, bytes).get(); },
              testing::ThrowsMessage<TaskRefused>(HasSubstr("keep the Broadcast as long as tasks need it")));
}

// ---- published values ---------------------------------------------------------------------------

struct PublishedValues : testing::Test {
  Client owner = local(Workers::kProcesses, 1);
  Client other = Client::connect(owner.address());
};

TEST_F(PublishedValues, ReachOtherClients) {
  owner.publish("answer", 42);
  EXPECT_EQ(other.get<int>("answer"), 42);
  EXPECT_EQ(owner.get<int>("answer"), 42);
  owner.publish("answer", 43);
  EXPECT_EQ(other.get<int>("answer"), 43);
  owner.publish("doubled", owner.submit([](int x) { return 2 * x; }, 21));
  EXPECT_EQ(other.get<int>("doubled"), 42);
  EXPECT_THAT(other.published(), ElementsAre("answer", "doubled"));
  owner.withdraw("answer");
  EXPECT_TRUE(becomes_true([&] { return other.published() == std::vector<std::string>{"doubled"}; }));
}

TEST_F(PublishedValues, LargeOnesAreReadFromTheirWorkerAndSurviveIt) {
  owner.publish("table", table_of(kLarge));
  owner.publish("made", owner.submit(table_of, kLarge));
  EXPECT_EQ(other.get<Table>("table").numbers.size(), kLarge);
  EXPECT_EQ(other.get<Table>("made").numbers.back(), kLarge - 1);
  EXPECT_ANY_THROW(owner.submit([] { return kill(getpid(), SIGKILL); }).get());
  EXPECT_EQ(other.get<Table>("table").numbers.size(), kLarge);
  EXPECT_EQ(other.get<Table>("made").numbers.back(), kLarge - 1);
}

TEST_F(PublishedValues, AreWaitedFor) {
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    owner.publish("late", std::string("here"));
  });
  EXPECT_EQ(other.get<std::string>("late"), "here");
  later.join();
  EXPECT_THAT([&] { other.get<int>("never", 20ms); },
              testing::ThrowsMessage<Error>(HasSubstr("nothing came that is published as 'never' within 0.02 s")));
}

TEST_F(PublishedValues, MayBeWithdrawnAndPublishedAgainAtOnce) {
  for (int i = 0; i < 50; ++i) {
    owner.publish("name", i);
    owner.withdraw("name");
  }
  owner.publish("name", 50);
  EXPECT_EQ(other.get<int>("name"), 50);
}

TEST_F(PublishedValues, OfAnotherTypeOrThatFailedAreErrors) {
  owner.publish("text", std::string("x"));
  EXPECT_THAT([&] { other.get<int>("text"); }, testing::ThrowsMessage<Error>(HasSubstr("has another type")));
  owner.publish("bad", owner.submit([]() -> int { throw std::out_of_range("seven"); }));
  EXPECT_THAT([&] { other.get<int>("bad"); }, testing::ThrowsMessage<Error>(HasSubstr("seven")));
  EXPECT_THAT([&] { other.publish("text", 1); }, testing::ThrowsMessage<Error>(HasSubstr("is published by client")));
}

TEST_F(PublishedValues, GoWithTheirOwner) {
  {
    const Client third = Client::connect(owner.address());
    third.publish("mine", 1);
    EXPECT_EQ(other.get<int>("mine"), 1);
  }
  EXPECT_TRUE(becomes_true([&] { return other.published().empty(); }));
}

TEST_F(PublishedValues, InCoroutines) {
  asio::io_context context;
  const auto run = [&]() -> asio::awaitable<std::string> {
    const auto name = std::string("name");
    co_await owner.async_wait_for_workers(1, 10s, asio::use_awaitable);
    co_await owner.async_publish(name, 7, asio::use_awaitable);
    const auto names = co_await other.async_published(asio::use_awaitable);
    EXPECT_THAT(names, testing::ElementsAre(name));
    const int seven = co_await other.async_get<int>(name, 10s, asio::use_awaitable);
    std::string error;
    try {
      co_await other.async_get<int>("never", 20ms, asio::use_awaitable);
    } catch (const Error& what) {
      error = what.what();
    }
    const auto late = owner.submit([] { return std::this_thread::sleep_for(50ms), 1; });
    co_await owner.async_close(asio::use_awaitable);
    EXPECT_EQ(late.status(), FutureStatus::kReady);
    co_return std::to_string(seven) + " " + error;
  };
  auto result = asio::co_spawn(context, run(), asio::use_future);
  context.run();
  EXPECT_THAT(result.get(), testing::StartsWith("7 nothing came that is published as 'never'"));
}

// ---- a scheduler that starts anew ----------------------------------------------------------------

struct SchedulerThatStartsAnew : testing::Test {
  static std::unique_ptr<scheduler::Server> start(std::uint16_t port) {
    scheduler::ServerOptions options;
    options.port = port;
    options.dashboard = false;
    auto server = scheduler::Server::start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }
  void start_anew() {
    const auto port = server->port();
    server.reset();
    server = start(port);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }

  std::unique_ptr<scheduler::Server> server = start(0);
  Worker worker{{.scheduler = address(), .threads = 1}};
};

TEST_F(SchedulerThatStartsAnew, FindsAllValuesAgain) {
  worker.start();
  const Client owner = Client::connect(address());
  const Client other = Client::connect(address());
  const auto table = owner.broadcast(table_of(kLarge));
  owner.publish("small", 7);
  owner.publish("large", table_of(kLarge));
  EXPECT_EQ(owner.submit(look_up, 3, table).get(), 3);
  for (int i = 0; i < 2; ++i) {
    start_anew();
    EXPECT_EQ(other.get<int>("small", 60s), 7);
    EXPECT_EQ(other.get<Table>("large", 60s).numbers.size(), kLarge);
    EXPECT_EQ(owner.submit(look_up, 4, table).get(), 4);
  }
}

TEST_F(SchedulerThatStartsAnew, GetsTasksThatWaitForOthersAgain) {
  worker.start();
  const Client client = Client::connect(address());
  static std::atomic<int> inner_begun;
  inner_begun = 0;
  const auto outer = [] {
    return Client::current()
        .submit([] {
          ++inner_begun;
          // The first time, until it is asked to stop.
          while (inner_begun == 1 && !this_task::stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
          return 7;
        })
        .get();
  };
  const auto result = client.submit(outer);
  EXPECT_TRUE(becomes_true([] { return inner_begun == 1; }));
  start_anew();
  EXPECT_EQ(result.get(), 7);
  EXPECT_GE(inner_begun, 2);
}

TEST_F(SchedulerThatStartsAnew, AValueMayBeBroadcastBeforeThereIsAWorker) {
  server.reset();
  scheduler::ServerOptions options;
  options.port = 0;
  options.dashboard = false;
  options.core.no_worker_timeout = 50ms;
  server = *scheduler::Server::start(std::move(options));
  const Client client = Client::connect(address());
  const auto table = client.broadcast(table_of(10));
  std::this_thread::sleep_for(200ms);  // its way to a worker has failed
  Worker late{{.scheduler = address(), .threads = 1}};
  late.start();
  client.wait_for_workers(1);
  EXPECT_EQ(client.submit(look_up, 3, table).get(), 3);
}

}  // namespace
}  // namespace penstock
