// One client from eight threads that do everything at once, with results that are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <asio/use_future.hpp>
#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <numeric>
#include <penstock/penstock.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 8;
constexpr int kRounds = 5;       // of each thread, in which it does everything once, in an order of its own
constexpr int kLargeSize = 9000;  // numbers: more than stays in an outcome

using Numbers = std::vector<std::int64_t>;

int hammer_cube(int x) { return x * x * x; }
PENSTOCK_TASK(hammer_cube)

int add(int a, int b) { return a + b; }
int square(int x) { return x * x; }
Numbers count_from(std::int64_t first) {
  Numbers numbers(kLargeSize);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}
std::int64_t sum(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0}); }
constexpr std::int64_t sum_from(std::int64_t first) {
  return kLargeSize * first + std::int64_t{kLargeSize} * (kLargeSize - 1) / 2;
}

// Workers are threads of this process, so that one task can know what another did.
std::array<std::atomic<int>, 2 * kThreads * kRounds> attempts;
int fails_once(int number) {
  if (attempts[static_cast<std::size_t>(number)]++ == 0) throw std::runtime_error("the first time");
  return number;
}
int slow(int x) {
  const auto stop = this_task::stop_token();
  for (int i = 0; i < 5 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(1ms);
  return x;
}

// What one of them is, and whether it is what it must be.
bool is_value_or_cancelled(const Future<int>& future, int value) {
  try {
    return future.get() == value;
  } catch (const TaskCancelled&) {
    return true;
  }
}

struct Hammer : testing::Test {
  Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .threads = 2, .dashboard = false});
  // Of all threads.
  Future<int> shared = client.submit(add, 20, 22);
  Future<Numbers> large = client.submit(count_from, std::int64_t{5});
  std::vector<Future<int>> contested = client.map(slow, std::vector{1, 2, 3, 4, 5, 6, 7, 8});

  // `number` is another one for each round of each thread.
  void submit(int number) {
    EXPECT_EQ(client.submit(add, number, 1).get(), number + 1);
    EXPECT_EQ(client.submit(add, shared, number).get(), 42 + number);
  }
  void map_and_gather(int number) {
    std::vector<int> inputs(60);
    std::iota(inputs.begin(), inputs.end(), number);
    const auto futures = client.map(square, inputs);
    for (int& x : inputs) x = x * x;
    EXPECT_EQ(client.gather(futures), inputs);
    EXPECT_EQ(client.async_gather(futures, asio::use_future).get(), inputs);
  }
  void then(int number) {
    EXPECT_EQ(client.submit(add, number, 1).then(square).then(add, shared).get(), (number + 1) * (number + 1) + 42);
    EXPECT_EQ(shared.then(add, number).async_get(asio::use_future).get(), 42 + number);
  }
  void cancel(int number) {
    const auto mine = client.map(slow, std::vector(6, number));
    mine[0].cancel();
    client.cancel(std::vector{mine[1], mine[2], mine[1]});
    for (const auto& future : mine) EXPECT_TRUE(is_value_or_cancelled(future, number));
    EXPECT_EQ(mine[5].get(), number);
    // And what the others cancel too.
    const auto chosen = static_cast<std::size_t>(number) % contested.size();
    contested[chosen].cancel();
    for (std::size_t i = 0; i < contested.size(); ++i) {
      EXPECT_TRUE(is_value_or_cancelled(contested[i], static_cast<int>(i) + 1));
    }
  }
  void retry(int number) {
    const auto failed = client.submit(fails_once, number);
    EXPECT_THROW(failed.get(), TaskRaised);
    EXPECT_EQ(failed.retry().get(), number);
  }
  void with_options(int number) {
    const int other = number + kThreads * kRounds;
    EXPECT_EQ(client.with({.retries = 1, .pause = 1ms}).submit(fails_once, other).get(), other);
    EXPECT_EQ(client.with({.priority = number, .timeout = 60s}).submit(square, number).get(), number * number);
  }
  void as_completed(int number) {
    std::vector<int> inputs(30);
    std::iota(inputs.begin(), inputs.end(), number);
    std::multiset<int> values;
    for (const auto& future : penstock::as_completed(client.map(square, inputs))) values.insert(future.get());
    std::multiset<int> expected;
    for (const int x : inputs) expected.insert(x * x);
    EXPECT_EQ(values, expected);
  }
  void wait(int number) {
    const auto futures = client.map(slow, std::vector(4, number));
    penstock::wait_for(futures, 1ms);
    penstock::wait(futures);
    for (const auto& future : futures) {
      EXPECT_TRUE(future.wait_for(0s));
      EXPECT_EQ(future.status(), FutureStatus::kReady);
      EXPECT_EQ(future.get(), number);
    }
  }
  void run_on_all(int number) {
    const auto futures = client.run_on_all(add, number, 1);
    EXPECT_EQ(futures.size(), 2u);
    for (const auto& [name, future] : futures) EXPECT_EQ(future.get(), number + 1);
  }
  void list_workers(int) {
    EXPECT_EQ(client.list_workers().size(), 2u);
    EXPECT_EQ(client.async_list_workers(asio::use_future).get().size(), 2u);
    EXPECT_EQ(client.threads(), 4u);
  }
  void large_values(int number) {
    const auto mine = client.submit(count_from, std::int64_t{number});
    const auto summed = client.submit(sum, mine);
    EXPECT_EQ(mine.get(), count_from(number));
    EXPECT_EQ(summed.get(), sum_from(number));
    EXPECT_EQ(large.then(sum).get(), sum_from(5));
    EXPECT_EQ(large.get(), count_from(5));
    client.submit(count_from, std::int64_t{number});  // and nobody waits for it
  }
  void shared_values(int number) {
    const auto table = client.broadcast(std::vector<int>(100, number));
    const auto seventh = [](const std::vector<int>& all, int x) { return all[7] + x; };
    EXPECT_EQ(client.submit(seventh, table, 1).get(), number + 1);
    EXPECT_EQ(client.scatter(count_from(number)).then(sum).get(), sum_from(number));
  }
  void publish(int number) {
    const std::string name = "of " + std::to_string(number);
    client.publish(name, number);
    client.async_publish(name + " too", client.submit(square, number), asio::use_future).get();
    EXPECT_EQ(client.get<int>(name), number);
    EXPECT_EQ(client.async_get<int>(name + " too", 10s, asio::use_future).get(), number * number);
    const auto names = client.published();
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end());
    client.withdraw(name);
    client.withdraw(name + " too");
  }
  void wait_first(int number) {
    const auto futures = client.map(slow, std::vector(3, number));
    EXPECT_EQ(futures[penstock::wait_first(futures)].status(), FutureStatus::kReady);
    EXPECT_LT(async_wait_first(futures, asio::use_future).get(), 3u);
    async_wait(futures, asio::use_future).get();
    for (const auto& future : futures) EXPECT_EQ(future.status(), FutureStatus::kReady);
  }
  void by_name(int number) {
    EXPECT_EQ(client.submit(remote<int(int)>("hammer_cube"), number).get(), number * number * number);
  }
  void wait_for_workers(int) {
    client.wait_for_workers(2);
    client.async_wait_for_workers(2, 10s, asio::use_future).get();
    EXPECT_TRUE(client.retire_workers({"nobody"}).empty());
  }
  // With a branch, a window and large values in it.
  void stream(int number) {
    constexpr int kElements = 60;
    Stream<int> source;
    const auto made = source.scatter(client, {.window = 16}).map(square);
    auto small = made.map(add, number).gather().sink_to_vector();
    auto pairs = made.sliding_window(2, false).map([](const std::vector<int>& two) { return two[1] - two[0]; }).gather()
                     .sink_to_vector();
    auto sums = made.filter([](int x) { return x % 10 == 0; })
                    .map([](int x) { return count_from(x); })
                    .map(sum)
                    .gather({.order = Order::kCompletion})
                    .sink_to_vector();
    for (int x = 0; x < kElements; ++x) source.emit(x);
    source.drain();
    std::multiset<std::int64_t> large_sums;
    for (int x = 0; x < kElements; ++x) {
      EXPECT_EQ(small.values().at(static_cast<std::size_t>(x)), x * x + number);
      if (x > 0) {
        EXPECT_EQ(pairs.values().at(static_cast<std::size_t>(x) - 1), 2 * x - 1);
      }
      if (x % 10 == 0) large_sums.insert(sum_from(x * x));
    }
    const auto came = sums.values();
    EXPECT_EQ(std::multiset<std::int64_t>(came.begin(), came.end()), large_sums);
  }
  // Handles are copied and dropped; the stream goes while elements are on their way.
  void leave(int number) {
    const Client copy = client;
    Stream<int> source;
    source.scatter(copy).map(slow).gather().sink([](int) {});
    for (int x = 0; x < 8; ++x) source.emit(number);
  }

  void do_everything_once(std::minstd_rand& random, int number) {
    std::vector<void (Hammer::*)(int)> all{&Hammer::submit,       &Hammer::map_and_gather, &Hammer::then,
                                           &Hammer::cancel,       &Hammer::retry,          &Hammer::with_options,
                                           &Hammer::as_completed, &Hammer::wait,           &Hammer::run_on_all,
                                           &Hammer::list_workers, &Hammer::large_values,   &Hammer::stream,
                                           &Hammer::leave,        &Hammer::shared_values,  &Hammer::publish,
                                           &Hammer::wait_first,   &Hammer::by_name,        &Hammer::wait_for_workers};
    std::shuffle(all.begin(), all.end(), random);
    for (const auto each : all) {
      try {
        (this->*each)(number);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
};

TEST_F(Hammer, EightThreadsGetWhatTheyAskedFor) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      std::minstd_rand random(static_cast<unsigned>(thread) + 1);
      for (int round = 0; round < kRounds; ++round) do_everything_once(random, thread * kRounds + round);
    });
  }
  for (auto& thread : threads) thread.join();
  // All readers of a future see one outcome.
  for (std::size_t i = 0; i < contested.size(); ++i) {
    EXPECT_NE(contested[i].status(), FutureStatus::kPending);
    EXPECT_TRUE(is_value_or_cancelled(contested[i], static_cast<int>(i) + 1));
  }
  client.close();
  EXPECT_THROW(client.submit(square, 1).get(), TaskRefused);
}

}  // namespace
}  // namespace penstock
