// Tasks that submit tasks and wait for them, and tasks that take resources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <penstock/penstock.hpp>
#include <thread>

#include "tests/client/becomes_true.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Workers = LocalOptions::Workers;

Client local(Workers mode, unsigned workers, unsigned threads) {
  return Client::local({.mode = mode, .workers = workers, .threads = threads, .dashboard = false});
}

// Two tasks for each but the smallest.
long fibonacci(long n) {
  if (n < 2) return n;
  const Client client = Client::current();
  const auto one = client.submit(fibonacci, n - 1);
  const auto two = client.submit(fibonacci, n - 2);
  return one.get() + two.get();
}

long square(long x) { return x * x; }

long sum_of_squares(long n) {
  std::vector<long> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 1);
  const Client client = Client::current();
  long sum = 0;
  for (const auto& future : as_completed(client.map(square, numbers))) sum += future.get();
  return sum;
}

long sum_by_a_stream(long n) {
  Stream<long> source;
  auto all = source.scatter().map(square).gather().sink_to_vector();
  for (long x = 1; x <= n; ++x) source.emit(x);
  source.drain();
  const auto values = all.values();
  return std::accumulate(values.begin(), values.end(), 0L);
}

struct TasksOfTasks : testing::TestWithParam<Workers> {};

TEST_P(TasksOfTasks, AWorkerWithOneThreadRunsARecursion) {
  const Client client = local(GetParam(), 1, 1);
  EXPECT_EQ(client.submit(fibonacci, 9).get(), 34);
  // Breadth first, thousands of tasks would wait.
  EXPECT_EQ(client.submit(fibonacci, 15).get(), 610);
  EXPECT_TRUE(becomes_true([&] { return client.list_workers().front().waiting == 0; }));
}

TEST_P(TasksOfTasks, ManyAtATimeOnSeveralWorkers) {
  const Client client = local(GetParam(), 2, 2);
  std::vector<long> sizes(40);
  std::iota(sizes.begin(), sizes.end(), 1);
  const auto sums = client.gather(client.map(sum_of_squares, sizes));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const long n = sizes[i];
    EXPECT_EQ(sums[i], n * (n + 1) * (2 * n + 1) / 6);
  }
}

TEST_P(TasksOfTasks, AStreamInATaskUsesTheClusterThatRunsIt) {
  const Client client = local(GetParam(), 1, 1);
  EXPECT_EQ(client.submit(sum_by_a_stream, 50).get(), 50 * 51 * 101 / 6);
}

INSTANTIATE_TEST_SUITE_P(On, TasksOfTasks, testing::Values(Workers::kThreads, Workers::kProcesses),
                         [](const auto& mode) { return mode.param == Workers::kThreads ? "Threads" : "Processes"; });

int endless() {
  const auto stop = this_task::stop_token();
  while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
  return 1;
}

long threads_here() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

// At the bottom of so many tasks, each of which waits for the next.
long threads_at_depth(int depth) {
  if (depth == 0) return threads_here();
  return Client::current().submit(threads_at_depth, depth - 1).get();
}

TEST(TasksThatWait, GiveTheirThreadsBack) {
  const Client client = local(Workers::kProcesses, 1, 1);
  constexpr int kDepth = 100;
  EXPECT_GT(client.submit(threads_at_depth, kDepth).get(), kDepth);
  EXPECT_TRUE(becomes_true([&] { return client.submit(threads_here).get() < kDepth / 2; }));
  EXPECT_GT(client.submit(threads_at_depth, kDepth).get(), kDepth);
}

TEST(TasksThatWait, AreAskedToStopAsOthers) {
  const Client client = local(Workers::kThreads, 1, 1);
  const auto waits_for_ever = [] { return Client::current().submit(endless).get(); };
  EXPECT_THAT([&] { client.with({.timeout = 100ms}).submit(waits_for_ever).get(); },
              testing::ThrowsMessage<TaskTimedOut>(HasSubstr("longer than 100 ms")));
  // What it waited for was cancelled with it.
  const auto is_idle = [&] {
    const auto workers = client.list_workers();
    return workers.size() == 1 && workers.front().running + workers.front().waiting == 0;
  };
  EXPECT_TRUE(becomes_true(is_idle));
  const auto future = client.submit(waits_for_ever);
  EXPECT_TRUE(becomes_true([&] { return client.list_workers().at(0).waiting == 1; }));
  future.cancel();
  EXPECT_TRUE(becomes_true(is_idle));
}

TEST(TasksThatWait, AnErrorOfOneReachesTheOtherAndItsClient) {
  const Client client = local(Workers::kThreads, 1, 1);
  const auto careful = [] {
    try {
      return Client::current().submit([]() -> int { throw std::out_of_range("seven"); }).get();
    } catch (const TaskRaised& error) {
      return error.type() == "std::out_of_range" ? 7 : 0;
    }
  };
  EXPECT_EQ(client.submit(careful).get(), 7);
}

TEST(TasksThatWait, MayCloseTheirClient) {
  const Client client = local(Workers::kThreads, 1, 1);
  const auto careless = [] {
    const Client own = Client::current();
    const long nine = own.submit(square, 3L).get();
    own.close();
    return nine;
  };
  EXPECT_EQ(client.submit(careless).get(), 9);
  EXPECT_EQ(client.submit(careless).get(), 9);
}

TEST(TasksThatWait, AreOfALimitedNumber) {
  const Client client = local(Workers::kThreads, 1, 1);
  std::vector<Future<int>> all;
  for (int i = 0; i < 1010; ++i) {
    all.push_back(client.with({.batch = 1}).submit([] { return Client::current().get<int>("go", 1min); }));
  }
  EXPECT_TRUE(becomes_true([&] { return client.list_workers().at(0).waiting == 1000; }));
  for (int i = 1000; i < 1010; ++i) {
    EXPECT_THAT([&] { all[i].get(); }, testing::ThrowsMessage<TaskRaised>(HasSubstr("which is the limit")));
  }
  client.publish("go", 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(all[i].get(), 1);
}

TEST(TasksThatWait, TheClientOfTheProgramStaysTheCurrentOne) {
  const Client client = local(Workers::kThreads, 1, 1);
  client.submit(sum_of_squares, 3).get();
  EXPECT_EQ(&*Client::current().port(), &*client.port());
}

long fibonacci_with_a_death(long n, std::string once) {
  // One time, by whoever comes to the middle first.
  if (n == 4 && std::filesystem::remove(once)) kill(getpid(), SIGKILL);
  if (n < 2) return n;
  const Client client = Client::current();
  const auto one = client.submit(fibonacci_with_a_death, n - 1, once);
  const auto two = client.submit(fibonacci_with_a_death, n - 2, once);
  return one.get() + two.get();
}

TEST(TasksThatWait, RunAgainWithAllOfTheirOwnWhenTheirWorkerDies) {
  const Client client = local(Workers::kProcesses, 2, 1);
  const std::string once = std::filesystem::temp_directory_path() / ("penstock-once-" + std::to_string(getpid()));
  std::ofstream(once).put('x');
  EXPECT_EQ(client.submit(fibonacci_with_a_death, 8, once).get(), 21);
  EXPECT_FALSE(std::filesystem::exists(once));
}

// ---- resources ----------------------------------------------------------------------------------

std::atomic<int> at_a_time{0};
std::atomic<int> most{0};

int counted() {
  const int now = ++at_a_time;
  for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
  }
  std::this_thread::sleep_for(5ms);
  return --at_a_time;
}

TEST(Resources, NoMoreTasksRunThanTheyAllow) {
  const Client client = Client::local(
      {.mode = Workers::kThreads, .workers = 2, .threads = 4, .resources = "gpu=1, memory=4GiB", .dashboard = false});
  EXPECT_THAT(client.list_workers().front().resources,
              ElementsAre(std::pair("gpu", 1.0), std::pair("memory", 4.0 * (1 << 30))));
  at_a_time = most = 0;
  std::vector<Future<int>> all;
  for (int i = 0; i < 20; ++i) all.push_back(client.with({.resources = "gpu=0.5, memory=1GiB"}).submit(counted));
  client.gather(all);
  EXPECT_LE(most, 4);
  EXPECT_GE(most, 2);

  Stream<int> source;
  auto out = source.scatter(client).map([](int) { return counted(); }).with({.resources = "gpu=1"}).gather().sink_to_vector();
  at_a_time = most = 0;
  for (int i = 0; i < 20; ++i) source.emit(i);
  source.drain();
  EXPECT_LE(most, 2);
}

TEST(Resources, OfMapsInARowHoldForEachOfThem) {
  const Client client =
      Client::local({.mode = Workers::kThreads, .workers = 1, .threads = 4, .resources = "gpu=1", .dashboard = false});
  const auto run = [&](const std::string& first, const std::string& second) {
    Stream<int> source;
    auto out = source.scatter(client)
                   .map([](int x) { return x + counted(); })
                   .with({.resources = first})
                   .map([](int x) { return x + counted(); })
                   .with({.resources = second})
                   .gather()
                   .sink_to_vector();
    at_a_time = most = 0;
    for (int i = 0; i < 20; ++i) source.emit(i);
    source.drain();
    EXPECT_EQ(out.values().size(), 20u);
    return most.load();
  };
  EXPECT_EQ(run("gpu=1", "gpu=1"), 1);
  EXPECT_LE(run("gpu=1", "gpu=0.5"), 2);
}

TEST(Resources, ThatCannotBeReadAreRefused) {
  const Client client = local(Workers::kThreads, 1, 1);
  EXPECT_THAT([&] { client.with({.resources = "gpu"}).submit(counted); },
              testing::ThrowsMessage<Error>(HasSubstr("\"gpu\" is no resource: write name=amount")));
  EXPECT_THAT([&] { client.with({.resources = "gpu=1", .worker = "x"}).submit(counted); },
              testing::ThrowsMessage<Error>(HasSubstr("give one of the two")));
  EXPECT_THAT([&] { Client::local({.mode = Workers::kThreads, .resources = "gpu=-1", .dashboard = false}); },
              testing::ThrowsMessage<Error>(HasSubstr("LocalOptions::resources")));
}

}  // namespace
}  // namespace penstock
