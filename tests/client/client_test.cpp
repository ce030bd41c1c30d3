// Clients of real clusters: a scheduler and workers in this process, or workers in processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/use_future.hpp>
#include <numeric>
#include <penstock/penstock.hpp>
#include <thread>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

int increment(int x) { return x + 1; }

struct Point {
  double x = 0, y = 0;
  std::string name;
};

Client threads(unsigned workers = 2) {
  return Client::local({.mode = LocalOptions::Workers::kThreads, .workers = workers,
                        .dashboard = false});
}

TEST(Client, RunsAFunctionOnAWorker) {
  auto client = threads();
  EXPECT_EQ(client.submit(increment, 41).get(), 42);
}

TEST(Client, RunsFunctionsInOtherProcesses) {
  auto client = Client::local({.workers = 2, .dashboard = false});
  const auto where = client.submit([] { return static_cast<std::int64_t>(getpid()); }).get();
  EXPECT_NE(where, getpid());
}

TEST(Client, GivesItsTokenToItsOwnWorkers) {
  for (const auto mode : {LocalOptions::Workers::kProcesses, LocalOptions::Workers::kThreads}) {
    auto client = Client::local({.mode = mode, .workers = 1, .dashboard = false,
                                 .client = {.token = "open sesame"}});
    EXPECT_EQ(client.submit(increment, 41).get(), 42);
  }
}

TEST(Client, SendsLambdasWithTheirCaptures) {
  auto client = threads();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) {
    futures.push_back(client.submit([i](int x) { return i * x; }, 3));
  }
  EXPECT_EQ(client.gather(futures), (std::vector<int>{0, 3, 6, 9, 12, 15, 18, 21, 24, 27}));
}

TEST(Client, SendsAggregatesAndContainersWithNothingToWrite) {
  auto client = threads();
  const auto moved = client.submit(
      [](const Point& point, const std::map<std::string, double>& by) {
        return Point{point.x + by.at("x"), point.y + by.at("y"), point.name + "'"};
      },
      Point{1, 2, "p"}, std::map<std::string, double>{{"x", 10}, {"y", 20}});
  EXPECT_EQ(moved.get().x, 11);
  EXPECT_EQ(moved.get().name, "p'");
}

TEST(Client, MapsARangeInOrder) {
  auto client = threads();
  std::vector<int> numbers(10'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto values = client.gather(client.map(increment, numbers));
  ASSERT_EQ(values.size(), numbers.size());
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(values[i], i + 1);
}

TEST(Client, CarriesLargeValuesBothWays) {
  auto client = threads();
  std::vector<double> large(4 << 20, 1.5);
  const auto back = client.submit([](const std::vector<double>& x) { return x; }, large).get();
  EXPECT_EQ(back, large);
}

TEST(Client, ReportsWhatAFunctionThrewAndWhere) {
  auto client = threads();
  const auto future = client.submit(
      [](int x) -> int { throw std::out_of_range("no element " + std::to_string(x)); }, 7);
  try {
    future.get();
    FAIL() << "no exception";
  } catch (const TaskRaised& error) {
    EXPECT_EQ(error.type(), "std::out_of_range");
    EXPECT_EQ(error.text(), "no element 7");
    EXPECT_EQ(error.attempt(), 1u);
    EXPECT_THAT(error.worker(), HasSubstr("local-"));
    EXPECT_THAT(error.task(), HasSubstr("lambda"));
    EXPECT_THAT(error.what(), HasSubstr("task raised std::out_of_range: no element 7 ("));
  }
  EXPECT_EQ(future.status(), FutureStatus::kFailed);
}

TEST(Client, FailsATaskThatKillsThreeWorkersWithTheEvidence) {
  auto client = Client::local({.workers = 1, .dashboard = false});
  const auto future = client.submit([](int x) -> int {
    if (x == 3) std::abort();
    return x;
  }, 3);
  try {
    future.get();
    FAIL() << "no exception";
  } catch (const WorkerLost& error) {
    EXPECT_THAT(error.what(), StartsWith("worker local-"));  // the task is named behind it, once
    EXPECT_THAT(error.what(), AllOf(HasSubstr("died while running"), HasSubstr(", as did 2 before it: ")));
    EXPECT_THAT(error.what(), HasSubstr("SIGABRT"));
  }
  EXPECT_EQ(client.submit(increment, 1).get(), 2) << "the cluster goes on";
}

TEST(Client, OfALocalClusterThatEndsInOrderWarnsOfNothing) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i) {  // at once: the workers are about to begin
    auto client = Client::local({.workers = 2, .dashboard = false});
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::Not(HasSubstr("is lost")));
}

TEST(Client, OfALocalClusterHasNothingToUpload) {
  try {
    Client::local({.mode = Client::Workers::kThreads, .workers = 1, .dashboard = false, .client = {.upload = true}});
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ClientOptions::upload is for Client::connect()"));
  }
}

TEST(Client, CancelsATask) {
  auto client = threads(1);
  auto slow = client.submit([] { std::this_thread::sleep_for(200ms); return 1; });
  auto waiting = client.submit(increment, 1);
  waiting.cancel();
  EXPECT_THROW(waiting.get(), TaskCancelled);
  EXPECT_EQ(slow.get(), 1);
}

TEST(Client, SettlesFuturesWithAnErrorWhenItGoesAway) {
  Future<int> future;
  {
    auto client = threads(1);
    future = client.submit([] { std::this_thread::sleep_for(300ms); return 1; });
  }
  EXPECT_THROW(future.get(), TaskCancelled);
}

TEST(Client, NamesTheAddressWhereNoSchedulerIs) {
  try {
    Client::connect("127.0.0.1:1", {.connect_timeout = 500ms});
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no scheduler at 127.0.0.1:1"));
  }
}

TEST(Client, ConnectsWithinACoroutineAndAwaitsResults) {
  auto cluster = threads();  // in this process, but reached by address below through its own client
  asio::io_context io;
  int result = 0;
  asio::co_spawn(
      io,
      [](Client client, int& out) -> asio::awaitable<void> {
        out = co_await client.submit(increment, 1).async_get();
      }(cluster, result),
      asio::detached);
  io.run();
  EXPECT_EQ(result, 2);
}

TEST(Client, ReportsAFailedConnectionToTheCompletionToken) {
  asio::io_context io;
  auto future = Client::async_connect("127.0.0.1:1", {.connect_timeout = 300ms},
                                      asio::bind_executor(io, asio::use_future));
  io.run();
  EXPECT_THROW(future.get(), Error);
}

TEST(Client, SaysAtOnceWhatIsNoAddress) {
  for (const char* wrong : {"", "127.0.0.1:99999", ":8786", "mill:abc", "http://mill:8786"}) {
    const auto start = std::chrono::steady_clock::now();
    try {
      Client::connect(wrong);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("is no address of a scheduler"));
      EXPECT_THAT(error.what(), HasSubstr(wrong));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  }
}

TEST(Client, HasItsOwnWorkersWhenItIsMade) {
  EXPECT_EQ(Client::local({.workers = 2, .dashboard = false}).workers(), 2u);
}

TEST(Client, IsTheDefaultUntilItIsGone) {
  EXPECT_THROW(Client::current(), Error);
  auto client = threads(1);
  EXPECT_EQ(Client::current().submit(increment, 1).get(), 2);
}

TEST(Client, ServesManyThreadsAtOnce) {
  auto client = threads();
  std::vector<std::thread> users;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    users.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) right += client.submit(increment, t * 1000 + i).get() == t * 1000 + i + 1;
    });
  }
  for (auto& user : users) user.join();
  EXPECT_EQ(right, 1600);
}

TEST(Client, RefusesAnArgumentThatIsTooLargeForOneMessage) {
  auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false,
                               .client = {.shared_memory = false}});
  const std::string huge((std::size_t{600} << 20), 'x');
  EXPECT_THROW(client.submit([](const std::string& s) { return s.size(); }, huge).get(), TaskRefused);
}

}  // namespace
}  // namespace penstock
