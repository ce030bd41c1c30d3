// Tasks that take too long, tasks for one worker, and what clients may ask of workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <csignal>
#include <penstock/penstock.hpp>
#include <set>
#include <thread>

#include "tests/client/becomes_true.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

int process() { return getpid(); }
std::string worker_name() { return this_task::worker(); }

// Until it is asked to stop, or for ever.
int endless() {
  const auto stop = this_task::stop_token();
  while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
  return 1;
}
int deaf() {
  while (true) std::this_thread::sleep_for(1ms);
}

struct Timeouts : testing::Test {
  Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .threads = 2, .dashboard = false});
};

TEST_F(Timeouts, ATaskThatIsAskedToStopFailsWithTheTime) {
  const auto future = client.with({.timeout = 50ms}).submit(endless);
  EXPECT_THAT([&] { future.get(); }, testing::ThrowsMessage<TaskTimedOut>(HasSubstr("longer than 50 ms")));
  EXPECT_EQ(client.submit([] { return this_task::stop_token().stop_requested(); }).get(), false);
}

TEST_F(Timeouts, DoNotTouchTasksThatAreInTime) {
  std::vector<Future<int>> all;
  for (int i = 0; i < 100; ++i) all.push_back(client.with({.timeout = 10s}).submit([](int x) { return x; }, i));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(all[i].get(), i);
}

TEST_F(Timeouts, MayBeTriedAgain) {
  static std::atomic<int> runs{0};
  runs = 0;
  const auto future = client.with({.retries = 2, .timeout = 50ms}).submit([] { return ++runs < 3 ? endless() : 7; });
  EXPECT_EQ(future.get(), 7);
  EXPECT_EQ(runs, 3);
}

TEST_F(Timeouts, AreOfOneMapOfAStream) {
  Stream<int> source;
  std::vector<std::string> errors;
  auto out = source.scatter(client)
                 .map([](int x) { return x + 1; })
                 .map([](int x) { return x == 3 ? endless() : x; })
                 .with({.timeout = 50ms})
                 .map([](int x) {
                   std::this_thread::sleep_for(x == 2 ? 100ms : 0ms);  // not of this one
                   return x;
                 })
                 .gather()
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  for (int x = 1; x <= 3; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2, 4));
}

TEST_F(Timeouts, ThatAreNegativeAreRefused) {
  EXPECT_THAT([&] { client.with({.timeout = -1ms}).submit(endless); }, testing::ThrowsMessage<Error>(HasSubstr("timeout")));
}

TEST_F(Timeouts, ACancelledTaskIsAskedToStop) {
  static std::atomic<bool> running, ended;
  running = ended = false;
  const auto future = client.submit([] {
    running = true;
    endless();
    ended = true;
    return 0;
  });
  EXPECT_TRUE(becomes_true([] { return running.load(); }));
  future.cancel();
  EXPECT_TRUE(becomes_true([] { return ended.load(); }));
}

TEST(TimeoutsOfProcesses, ATaskThatDoesNotStopIsEndedWithItsProcess) {
  auto client = Client::local({.workers = 1, .dashboard = false});
  const int before = client.submit(process).get();
  const auto future = client.with({.timeout = 50ms}).submit(deaf);
  EXPECT_THROW(future.get(), TaskTimedOut);
  EXPECT_NE(client.submit(process).get(), before);
}

TEST(TimeoutsOfProcesses, OtherTasksOfTheWorkerAreDoneFirst) {
  auto client = Client::local({.workers = 1, .threads = 2, .dashboard = false});
  const auto slow = client.submit([] {
    std::this_thread::sleep_for(3s);
    return static_cast<int>(getpid());
  });
  const int before = client.submit(process).get();
  const auto stuck = client.with({.timeout = 50ms}).submit(deaf);
  EXPECT_THROW(stuck.get(), TaskTimedOut);
  EXPECT_EQ(slow.get(), before);
  EXPECT_NE(client.submit(process).get(), before);
}

// ---- one worker, and each -----------------------------------------------------------------------

struct Control : testing::Test {
  Client client = Client::local({.workers = 3, .dashboard = false});

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& worker : client.list_workers()) names.push_back(worker.name);
    return names;
  }
};

TEST_F(Control, ListsTheWorkers) {
  const auto workers = client.list_workers();
  ASSERT_THAT(workers, SizeIs(3));
  for (const auto& worker : workers) {
    EXPECT_EQ(worker.threads, 1u);
    EXPECT_FALSE(worker.leaving);
  }
}

TEST_F(Control, ATaskRunsOnTheWorkerThatIsNamed) {
  for (const auto& name : names()) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(client.with({.worker = name}).submit(worker_name).get(), name);
  }
}

TEST_F(Control, ATaskForAWorkerThatIsNotThereSaysSo) {
  EXPECT_THAT([&] { client.with({.worker = "nobody"}).submit(worker_name).get(); },
              testing::ThrowsMessage<NoWorker>(HasSubstr("'nobody'")));
}

TEST_F(Control, AMapOfAStreamRunsOnOneWorker) {
  const std::string name = names().at(1);
  Stream<int> source;
  auto out = source.scatter(client)
                 .map([](int x) { return x; })
                 .map([](int) { return worker_name(); })
                 .with({.worker = name})
                 .map([](const std::string& one) { return one + (one == worker_name() ? "" : " and another"); })
                 .with({.worker = name})
                 .gather()
                 .sink_to_vector();
  for (int x = 0; x < 20; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), testing::Each(name));
}

TEST_F(Control, RunsAFunctionOnEachWorker) {
  std::set<int> processes;
  const auto futures = client.run_on_all([](int x) { return x + getpid(); }, 1);
  EXPECT_THAT(futures, SizeIs(3));
  for (const auto& [name, future] : futures) processes.insert(future.get());
  EXPECT_THAT(processes, SizeIs(3));
}

TEST_F(Control, ATaskForAWorkerThatDiesFails) {
  const std::string name = names().front();
  const auto future = client.with({.worker = name}).submit([] {
    kill(getpid(), SIGKILL);
    return 0;
  });
  EXPECT_THROW(future.get(), WorkerLost);
}

TEST_F(Control, RetiredWorkersFinishWhatRunsAndDoNotComeBack) {
  const std::string name = names().front();
  const auto slow = client.with({.worker = name}).submit([] {
    std::this_thread::sleep_for(300ms);
    return 7;
  });
  const auto told = client.retire_workers({name, "nobody"});
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().name, name);
  EXPECT_TRUE(told.front().leaving);
  EXPECT_EQ(slow.get(), 7);
  EXPECT_TRUE(becomes_true([&] { return names().size() == 2; }));
  for (int i = 0; i < 20; ++i) EXPECT_NE(client.submit(worker_name).get(), name);
  EXPECT_THAT(names(), SizeIs(2));
}

TEST_F(Control, AsksWithoutBlockingToo) {
  asio::io_context io;
  auto done = asio::co_spawn(
      io,
      [client = client]() -> asio::awaitable<std::size_t> {
        const auto workers = co_await client.async_list_workers();
        const auto running = client.run_on(workers, worker_name);
        for (const auto& worker : workers) EXPECT_EQ(co_await running.at(worker.name).async_get(), worker.name);
        std::vector<std::string> retired{workers.at(0).name};
        const auto told = co_await client.async_retire_workers(retired);
        co_return workers.size() * 10 + told.size();
      },
      asio::use_future);
  io.run();
  EXPECT_EQ(done.get(), 31u);
}

TEST_F(Control, AClosedClientSaysThatItIsClosed) {
  client.close();
  EXPECT_THAT([&] { client.list_workers(); }, testing::ThrowsMessage<Error>(HasSubstr("closed")));
}

// ---- fairness -----------------------------------------------------------------------------------

int a_millisecond(int x) {
  std::this_thread::sleep_for(1ms);
  return x;
}

// A flood of one client delays another by what waits at the workers, not by what waits at the scheduler.
TEST(Fairness, AFloodDelaysAnotherClientByWhatWaitsAtTheWorkersOnly) {
  auto flood = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 2, .dashboard = false});
  constexpr int kFlood = 3000;
  static std::atomic<int> flooded;
  flooded = 0;
  std::vector<Future<int>> all;
  for (int i = 0; i < kFlood; ++i) {
    all.push_back(flood.submit(
        [](int x) {
          ++flooded;
          return a_millisecond(x);
        },
        i));
  }
  EXPECT_TRUE(becomes_true([] { return flooded > 200; }));  // how long they take is known by now
  auto other = Client::connect(flood.address());
  int most = 0;
  for (int i = 0; i < 20; ++i) {
    const int before = flooded;
    EXPECT_EQ(other.submit(a_millisecond, i).get(), i);
    most = std::max(most, flooded - before);
  }
  // 20 ms of work wait for each of two threads at most, and some more while messages travel.
  EXPECT_LT(most, 300);
  wait(all);
}

TEST(Fairness, ClientsShareByWeight) {
  const auto cluster = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
  ClientOptions four_times;
  four_times.weight = 4;
  const auto light = Client::connect(cluster.address()).with({.batch = 1});
  const auto heavy = Client::connect(cluster.address(), four_times).with({.batch = 1});
  static std::atomic<int> of_light, of_heavy;
  of_light = of_heavy = 0;
  constexpr int kTasks = 400;
  cluster.submit([] { return std::this_thread::sleep_for(100ms), 0; });  // all of these wait when it is done
  std::vector<Future<int>> all;
  for (int i = 0; i < kTasks; ++i) {
    all.push_back(light.submit([](int x) { return ++of_light, a_millisecond(x); }, i));
    all.push_back(heavy.submit([](int x) { return ++of_heavy, a_millisecond(x); }, i));
  }
  EXPECT_TRUE(becomes_true([] { return of_heavy >= kTasks * 3 / 4; }));
  // A quarter of 300, and what was at the worker before the other client's tasks had come.
  EXPECT_LT(of_light, 150);
  EXPECT_GT(of_light, 40);
  wait(all);
}

// Of one stream, with one worker that has one thread: there is no other order.
TEST(Fairness, AStreamIsFirstInFirstOut) {
  const auto client = Client::local({.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
  static std::atomic<int> last, out_of_order;
  last = -1;
  out_of_order = 0;
  Stream<int> source;
  source.scatter(client)
      .map([](int x) {
        if (last.exchange(x) != x - 1) ++out_of_order;
        return x;
      })
      .gather()
      .sink([](int) {});
  for (int x = 0; x < 5000; ++x) source.emit(x);
  source.drain();
  EXPECT_EQ(last, 4999);
  EXPECT_EQ(out_of_order, 0);
}

}  // namespace
}  // namespace penstock
