// Futures together: as arguments, in the order of completion, tried again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <numeric>
#include <penstock/penstock.hpp>
#include <set>
#include <thread>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

int add(int a, int b) { return a + b; }
int slow(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}

struct Futures : testing::Test {
  Client client = Client::local({.workers = 2, .threads = 2, .dashboard = false});
};
// Functions that share the memory of the test.
struct FuturesHere : testing::Test {
  Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .threads = 2, .dashboard = false});
};

TEST_F(Futures, MayBeArgumentsOfTheNextTask) {
  const auto two = client.submit(add, 1, 1);
  const auto five = client.submit(add, two, 3);
  const auto seven = client.submit(add, five, two);
  EXPECT_EQ(seven.get(), 7);
}

TEST_F(Futures, AnArgumentThatFailedFailsTheTask) {
  const auto bad = client.submit([]() -> int { throw std::runtime_error("no number"); });
  const auto sum = client.submit(add, 1, bad);
  EXPECT_THROW(sum.get(), TaskRaised);
  EXPECT_EQ(sum.status(), FutureStatus::kFailed);
}

TEST_F(Futures, AnEmptyFutureIsNoArgument) {
  EXPECT_THAT([&] { client.submit(add, Future<int>(), 1); },
              testing::ThrowsMessage<Error>(HasSubstr("this Future is empty")));
}

TEST_F(Futures, AnEmptyOneSaysSo) {
  const Future<int> empty;
  for (const auto& call : std::vector<std::function<void()>>{[&] { empty.get(); }, [&] { empty.wait(); },
                                                             [&] { static_cast<void>(empty.status()); },
                                                             [&] { as_completed(std::vector{empty}); }}) {
    EXPECT_THAT(call, testing::ThrowsMessage<Error>(HasSubstr("this Future is empty")));
  }
}

TEST_F(Futures, ATaskWhoseArgumentFailedHasNothingToTryAgain) {
  const auto bad = client.submit([]() -> int { throw std::runtime_error("no number"); });
  const auto sum = bad.then([](int x) { return std::to_string(x); });
  EXPECT_THROW(sum.get(), TaskRaised);
  EXPECT_THROW(sum.retry(), Error);
}

TEST_F(Futures, ACancelledTaskDoesNotRunWhenItsArgumentsCome) {
  static std::atomic<int> runs{0};
  runs = 0;
  const auto late = client.submit(slow, 50);
  const auto counted = late.then([](int x) {
    ++runs;
    return x;
  });
  counted.cancel();
  late.wait();
  client.close();
  EXPECT_EQ(runs, 0);
}

TEST_F(Futures, CloseWaitsForTasksThatWaitForTheirArguments) {
  for (int i = 0; i < 50; ++i) {
    auto one = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
    const auto four = one.submit(add, 1, 1).then([](int x) { return x + 1; }).then([](int x) { return x + 1; });
    one.close();
    ASSERT_EQ(four.get(), 4);
  }
}

// Whether there is no client any more, soon.
bool no_client_is_left() {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    try {
      Client::current();
      std::this_thread::sleep_for(1ms);
    } catch (const Error&) {
      return true;
    }
  }
  return false;
}

TEST(FuturesAlone, DoNotKeepTheirClient) {
  Future<int> sum;
  {
    auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
    sum = client.submit(add, client.submit(slow, 200), 1);
  }
  EXPECT_THROW(sum.get(), TaskCancelled);
  EXPECT_TRUE(no_client_is_left());
}

TEST(FuturesAlone, NorDoesAStreamThatIsGoneWhileItsTasksRun) {
  {
    auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
    Stream<int> source;
    source.scatter(client)
        .keyed_accumulate([](int x) { return x % 2; },
                          [](int sum, int x) {
                            slow(20);
                            return sum + x;
                          },
                          0)
        .map([](const std::pair<int, int>& sum) { return sum.second; })
        .gather()
        .sink([](int) {});
    for (int x = 0; x < 10; ++x) source.emit(x);
    std::this_thread::sleep_for(30ms);
  }
  EXPECT_TRUE(no_client_is_left());
}

TEST(FuturesAlone, SubmitWaitsForRoomForArgumentsToo) {
  auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false,
                               .client = {.max_bytes = 1'000'000}});
  const auto late = client.submit(slow, 100);
  const auto size = [](int, const std::string& text) { return text.size(); };
  const auto start = std::chrono::steady_clock::now();
  const auto first = client.submit(size, late, std::string(1'000'000, 'x'));
  EXPECT_EQ(client.submit(size, late, std::string(10, 'x')).get(), 10u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 90ms);
  EXPECT_EQ(first.get(), 1'000'000u);
}

TEST_F(FuturesHere, ThenKeepsTheOptions) {
  static std::atomic<int> runs{0};
  runs = 0;
  const auto future = client.with({.retries = 3}).submit(add, 1, 1).then([](int x) {
    if (++runs < 3) throw std::runtime_error("not yet");
    return x;
  });
  EXPECT_EQ(future.get(), 2);
}

TEST_F(Futures, ThenGoesOnWithTheValue) {
  const auto text = client.submit(add, 20, 1)
                        .then([](int x, int times) { return x * times; }, 2)
                        .then([](int x) { return std::to_string(x) + "!"; });
  EXPECT_EQ(text.get(), "42!");
}

TEST_F(Futures, ATaskThatWaitsForItsArgumentsCanBeCancelled) {
  const auto late = client.submit(slow, 300);
  const auto sum = client.submit(add, late, 1);
  sum.cancel();
  EXPECT_THROW(sum.get(), TaskCancelled);
  EXPECT_EQ(late.get(), 300);
}

TEST_F(Futures, CancelsMany) {
  static std::atomic<bool> over{false};
  over = false;
  const auto futures = client.map(
      [](int x) {
        while (!over) std::this_thread::sleep_for(1ms);
        return x;
      },
      std::vector<int>(50));
  client.cancel(futures);
  over = true;
  int cancelled = 0;
  for (const auto& future : futures) {
    try {
      future.get();
    } catch (const TaskCancelled&) {
      ++cancelled;
    }
  }
  EXPECT_EQ(cancelled, 50);
}

TEST_F(Futures, ComeInTheOrderOfCompletion) {
  std::vector<int> order;
  for (const auto& future : as_completed(client.map(slow, std::vector{400, 1, 200}))) {
    order.push_back(future.get());
  }
  EXPECT_THAT(order, ElementsAre(1, 200, 400));
}

TEST_F(Futures, ManyComeEachOnce) {
  std::vector<int> numbers(10'000);
  for (int i = 0; i < 10'000; ++i) numbers[i] = i;
  std::set<int> seen;
  for (const auto& future : as_completed(client.map([](int x) { return x; }, numbers))) {
    EXPECT_TRUE(seen.insert(future.get()).second);
  }
  EXPECT_EQ(seen.size(), 10'000u);
}

TEST_F(Futures, NoneAreCompletedAtOnce) {
  EXPECT_EQ(as_completed(std::vector<Future<int>>()).next(), std::nullopt);
  EXPECT_EQ(wait_first(client.map(slow, std::vector{2000, 1})), 1u);
  EXPECT_THAT([] { wait_first(std::vector<Future<int>>()); }, testing::ThrowsMessage<Error>(testing::HasSubstr("no future")));
}

TEST_F(Futures, AreWaitedForWithoutBlockingToo) {
  asio::io_context io;
  const auto one_is_slow = client.map(slow, std::vector{2000, 1});
  auto all = client.map(slow, std::vector{20, 1});
  all.push_back(client.submit([]() -> int { throw std::runtime_error("no number"); }));
  auto done = asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const auto first = co_await async_wait_first(one_is_slow);
        EXPECT_EQ(first, 1u);
        co_await async_wait(all);
        for (const auto& future : all) EXPECT_NE(future.status(), FutureStatus::kPending);
        const std::vector<Future<int>> none;
        co_await async_wait(none);
        std::string error;
        try {
          co_await async_wait_first(none);
        } catch (const Error& what) {
          error = what.what();
        }
        EXPECT_THAT(error, HasSubstr("no future"));
      },
      asio::use_future);
  io.run();
  done.get();
  EXPECT_EQ(one_is_slow.front().status(), FutureStatus::kPending) << "it kept the loop";
  EXPECT_EQ(async_wait_first(client.map(slow, std::vector{1, 500}), asio::use_future).get(), 0u);
}

TEST_F(Futures, AreAwaitedInTheOrderOfCompletionInACoroutine) {
  asio::io_context io;
  auto futures = client.map(slow, std::vector{400, 1});
  auto order = asio::co_spawn(
      io,
      [&]() -> asio::awaitable<std::vector<int>> {
        std::vector<int> values;
        auto completed = as_completed(futures);
        while (auto future = co_await completed.async_next()) values.push_back(future->get());
        co_return values;
      },
      asio::use_future);
  io.run();
  EXPECT_THAT(order.get(), ElementsAre(1, 400));
}

TEST_F(Futures, AreGatheredInACoroutine) {
  asio::io_context io;
  auto futures = client.map([](int x) { return 2 * x; }, std::vector{1, 2, 3});
  auto values = asio::co_spawn(
      io, [&]() -> asio::awaitable<std::vector<int>> { co_return co_await client.async_gather(futures); },
      asio::use_future);
  io.run();
  EXPECT_THAT(values.get(), ElementsAre(2, 4, 6));
}

TEST_F(Futures, GatheringInACoroutineThrowsTheFirstError) {
  asio::io_context io;
  auto futures = client.map(
      [](int x) {
        if (x == 2) throw std::domain_error("two");
        return x;
      },
      std::vector{1, 2, 3});
  auto values = asio::co_spawn(
      io, [&]() -> asio::awaitable<std::vector<int>> { co_return co_await async_gather(futures); },
      asio::use_future);
  io.run();
  EXPECT_THROW(values.get(), TaskRaised);
}

TEST_F(Futures, AreWaitedForTogether) {
  const auto futures = client.map(slow, std::vector{1, 150});
  EXPECT_FALSE(wait_for(futures, 5ms));
  wait(futures);
  EXPECT_TRUE(wait_for(futures, 0ms));
}

TEST_F(FuturesHere, RetriesRunATaskAgainAfterPausesThatDouble) {
  static std::atomic<int> runs{0};
  runs = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto future = client.with({.retries = 2, .pause = 20ms}).submit([] {
    if (++runs < 3) throw std::runtime_error("not yet");
    return runs.load();
  });
  EXPECT_EQ(future.get(), 3);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 60ms);
}

TEST_F(Futures, WhenRetriesAreUsedUpTheErrorTellsTheAttempt) {
  const auto future = client.with({.retries = 2}).submit([]() -> int { throw std::runtime_error("never"); });
  try {
    future.get();
    FAIL();
  } catch (const TaskRaised& error) {
    EXPECT_EQ(error.attempt(), 3u);
    EXPECT_EQ(error.text(), "never");
  }
}

TEST_F(Futures, OneThatWaitsForItsNextAttemptCanBeCancelled) {
  const auto future = client.with({.retries = 5, .pause = 1h}).submit([]() -> int { throw std::runtime_error("no"); });
  std::this_thread::sleep_for(50ms);
  future.cancel();
  EXPECT_THROW(future.get(), TaskCancelled);
  client.close();  // waits for nothing
}

TEST_F(FuturesHere, AFailedTaskIsRunAgainOnDemand) {
  static std::atomic<int> runs{0};
  runs = 0;
  const auto first = client.submit([](int x) {
    if (++runs == 1) throw std::runtime_error("the first time");
    return x;
  }, 7);
  EXPECT_THROW(first.get(), TaskRaised);
  EXPECT_EQ(first.retry().get(), 7);
  EXPECT_THAT([&] { client.submit(add, 1, 1).retry(); }, testing::Throws<Error>());
}

TEST_F(Futures, OfAHigherPriorityStartFirst) {
  auto one = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
  static std::atomic<bool> over;
  static std::mutex mutex;
  static std::string order;
  over = false;
  order.clear();
  const auto blocking = one.submit([] {
    while (!over) std::this_thread::sleep_for(1ms);
    return 0;
  });
  const auto note = [](char name) {
    const std::lock_guard lock(mutex);
    order += name;
    return 0;
  };
  std::vector<Future<int>> all;
  for (int i = 0; i < 3; ++i) all.push_back(one.submit(note, 'a'));
  for (int i = 0; i < 3; ++i) all.push_back(one.with({.priority = 1}).submit(note, 'b'));
  // The last of the first ones may be with the worker already.
  const auto known = one.submit([] { return 0; });
  over = true;
  wait(all);
  known.wait();
  const std::lock_guard lock(mutex);
  EXPECT_LT(order.find_last_of('b'), order.find_last_of('a')) << order;
}

TEST_F(FuturesHere, AStreamRetriesItsMaps) {
  static std::atomic<int> runs{0};
  runs = 0;
  Stream<int> source;
  auto out = source.scatter(client)
                 .map([](int x) {
                   if (x == 2 && ++runs < 3) throw std::runtime_error("not yet");
                   return x;
                 })
                 .with({.retries = 3, .pause = 1ms})
                 .map([](int x) { return 10 * x; })
                 .gather()
                 .sink_to_vector();
  for (int x = 1; x <= 4; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(10, 20, 30, 40));
  EXPECT_EQ(runs, 3);
}

TEST_F(FuturesHere, AStreamHasTheOptionsOfItsClient) {
  static std::atomic<int> runs{0};
  runs = 0;
  Stream<int> source;
  auto out = source.scatter(client.with({.retries = 3}))
                 .map([](int x) {
                   if (++runs < 3) throw std::runtime_error("not yet");
                   return x;
                 })
                 .gather()
                 .sink_to_vector();
  source.emit(1);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST_F(Futures, AGatherCannotTryAgain) {
  Stream<int> source;
  auto gathered = source.scatter(client).gather();
  EXPECT_THAT([&] { gathered.on_error(ErrorPolicy::retry(2)); },
              testing::ThrowsMessage<Error>(HasSubstr("with({.retries = n})")));
}

TEST_F(Futures, OptionsBelongBehindANodeThatRunsAFunction) {
  Stream<int> source;
  EXPECT_THAT([&] { source.scatter(client).with({.retries = 1}); },
              testing::ThrowsMessage<Error>(HasSubstr("right behind a map")));
}

TEST(FuturesAsArguments, ManyAreAVector) {
  const auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 2, .dashboard = false});
  const auto add = [](const std::vector<long>& numbers, long more) {
    return std::accumulate(numbers.begin(), numbers.end(), more);
  };
  const auto numbers = client.map([](int x, long factor) { return factor * x; }, std::vector{1, 2, 3}, 10L);
  EXPECT_EQ(client.submit(add, numbers, 5L).get(), 65);
  EXPECT_EQ(client.submit(add, std::vector<Future<long>>(), 5L).get(), 5);
  // As elements of a range, and of what is large.
  const auto sizes = [](const std::vector<std::string>& texts) {
    std::vector<std::size_t> all;
    for (const auto& text : texts) all.push_back(text.size());
    return all;
  };
  const auto text = [](long size) { return std::string(static_cast<std::size_t>(size), 'x'); };
  const auto texts = client.map(text, numbers);
  EXPECT_EQ(client.submit(sizes, texts).get(), (std::vector<std::size_t>{10, 20, 30}));
  EXPECT_EQ(client.submit(sizes, client.map(text, std::vector{100'000L, 1L})).get(),
            (std::vector<std::size_t>{100'000, 1}));
  const auto table = client.broadcast(std::vector<int>{5, 6, 7});
  const auto looked_up = client.map([](int i, const std::vector<int>& t) { return t.at(static_cast<std::size_t>(i)); },
                                    std::vector{2, 0, 9}, table);
  EXPECT_EQ(looked_up[0].get(), 7);
  EXPECT_EQ(looked_up[1].get(), 5);
  EXPECT_THROW(looked_up[2].get(), TaskRaised);
  const auto failed = client.submit([](const std::vector<int>& x) { return x.size(); }, looked_up);
  EXPECT_THROW(failed.get(), TaskRaised);
}

}  // namespace
}  // namespace penstock
