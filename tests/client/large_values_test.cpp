// Values that stay on the workers that made them: read there, freed, and made again when they are lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <csignal>
#include <numeric>
#include <set>
#include <penstock/detail/task_place.hpp>
#include <penstock/penstock.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/becomes_true.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

using Numbers = std::vector<std::int64_t>;

constexpr std::int64_t kMany = 100'000;  // 800 kB

Numbers count_from(std::int64_t first) {
  Numbers numbers(kMany);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}
std::int64_t sum(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0}); }
constexpr std::int64_t sum_from(std::int64_t first) { return kMany * first + kMany * (kMany - 1) / 2; }

struct Place {
  std::string worker;
  int process = 0;
  std::int64_t value = 0;
};
Place place_of(const Numbers& numbers) { return {detail::task_place().worker, getpid(), sum(numbers)}; }

// A large result, and who made it.
struct Made {
  Place by;
  Numbers numbers;
};
Made make_from(std::int64_t first) {
  return {{detail::task_place().worker, getpid(), first}, count_from(first)};
}
Place taken(const Made& made) { return place_of(made.numbers); }

// Anonymous files of this process that hold values.
int values_here() {
  int count = 0;
  DIR* const directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    char target[256];
    const auto length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
    if (length > 0 && std::string(target, static_cast<std::size_t>(length)).starts_with("/memfd:penstock-value-")) ++count;
  }
  closedir(directory);
  return count;
}

bool is_elsewhere(const auto& future) { return !future.cell_pointer()->outcome().kept.empty(); }

class LargeValues : public testing::TestWithParam<LocalOptions::Workers> {
 protected:
  Client client = Client::local({.mode = GetParam(), .workers = 2, .threads = 2, .dashboard = false});
  Stream<int> source;
};

INSTANTIATE_TEST_SUITE_P(, LargeValues,
                         testing::Values(LocalOptions::Workers::kThreads, LocalOptions::Workers::kProcesses),
                         [](const auto& mode) {
                           return mode.param == LocalOptions::Workers::kThreads ? "Threads" : "Processes";
                         });

TEST_P(LargeValues, StayWhereTheyWereMadeUntilSomebodyWantsThem) {
  const auto future = client.submit(count_from, std::int64_t{1});
  future.wait();
  EXPECT_TRUE(is_elsewhere(future));
  EXPECT_EQ(future.status(), FutureStatus::kReady);
  EXPECT_EQ(future.get(), count_from(1));
  EXPECT_EQ(future.get(), count_from(1));
}

TEST_P(LargeValues, SmallOnesComeWithTheirOutcomes) {
  const auto future = client.submit([](int x) { return x + 1; }, 1);
  future.wait();
  EXPECT_FALSE(is_elsewhere(future));
}

TEST_P(LargeValues, AreArgumentsOfOtherTasks) {
  const auto one = client.submit(count_from, std::int64_t{1});
  const auto two = client.submit(count_from, std::int64_t{2});
  const auto both = client.submit(
      [](const Numbers& a, int factor, const Numbers& b) { return sum(a) + factor * sum(b); }, one, 10, two);
  EXPECT_EQ(both.get(), sum_from(1) + 10 * sum_from(2));
  EXPECT_EQ(one.then(sum).get(), sum_from(1));
}

TEST_P(LargeValues, DrawTheirTasksToTheWorkerThatHasThem) {
  for (int i = 0; i < 20; ++i) {
    const auto made = client.submit(make_from, std::int64_t{i});
    const Place by = made.get().by;
    const Place place = client.submit(taken, made).get();
    EXPECT_EQ(place.worker, by.worker);
    EXPECT_EQ(place.value, sum_from(i));
  }
}

TEST_P(LargeValues, DrawTheirTasksToTheWorkerThatHasMostOfThem) {
  const auto workers = client.list_workers();
  ASSERT_EQ(workers.size(), 2u);
  const auto on = [&](std::size_t i) { return client.with({.worker = workers[i].name}); };
  // Three thirds here are more than one larger value there.
  const auto make = [](std::size_t size) { return std::string(size, 'x'); };
  std::vector<Future<std::string>> parts{on(1).submit(make, std::size_t{140'000})};
  for (int i = 0; i < 3; ++i) parts.push_back(on(0).submit(make, std::size_t{100'000}));
  penstock::wait(parts);
  const auto where = [](const std::string&, const std::string&, const std::string&, const std::string&) {
    return this_task::worker();
  };
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.submit(where, parts[0], parts[1], parts[2], parts[3]).get(), workers[0].name);
  }
}

TEST_P(LargeValues, AreReadByOtherWorkersToo) {
  // One worker is kept busy by as many tasks as it has threads, so that the other one has to take them.
  const auto one = client.submit(make_from, std::int64_t{1});
  std::vector<Future<Place>> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(client.submit(
        [](const Made& made) {
          std::this_thread::sleep_for(20ms);
          return taken(made);
        },
        one));
  }
  std::set<std::string> workers;
  for (const auto& place : client.gather(all)) {
    EXPECT_EQ(place.value, sum_from(1));
    workers.insert(place.worker);
  }
  EXPECT_THAT(workers, SizeIs(2));
}

TEST_P(LargeValues, AreSharedByTheBranchesOfAStream) {
  auto made = source.scatter(client).map([](int first) { return count_from(first); });
  auto sums = made.map(sum).gather().sink_to_vector();
  auto sizes = made.map([](const Numbers& numbers) { return numbers.size(); }).gather().sink_to_vector();
  auto themselves = made.gather().sink_to_vector();
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
  ASSERT_THAT(sums.values(), SizeIs(10));
  EXPECT_THAT(sizes.values(), testing::Each(std::size_t{kMany}));
  for (int x = 0; x < 10; ++x) {
    EXPECT_EQ(sums.values()[x], sum_from(x));
    EXPECT_EQ(themselves.values()[x], count_from(x));
  }
}

TEST_P(LargeValues, AreGatheredInOrder) {
  auto all = source.scatter(client).map([](int first) { return count_from(first); }).gather().sink_to_vector();
  for (int x = 0; x < 50; ++x) source.emit(x);
  source.drain();
  ASSERT_THAT(all.values(), SizeIs(50));
  for (int x = 0; x < 50; ++x) EXPECT_EQ(all.values()[x], count_from(x));
}

TEST_P(LargeValues, OfAWindowAreReadByTheWorkerThatTakesIt) {
  auto made = source.scatter(client).map([](int first) { return count_from(first); });
  auto windows = made.partition(2);
  auto sums = windows.map([](const std::vector<Numbers>& two) { return sum(two[0]) + 10 * sum(two[1]); })
                  .gather()
                  .sink_to_vector();
  auto themselves = windows.gather().sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(sums.values(), ElementsAre(sum_from(0) + 10 * sum_from(1), sum_from(2) + 10 * sum_from(3)));
  EXPECT_THAT(themselves.values(), ElementsAre(ElementsAre(count_from(0), count_from(1)),
                                               ElementsAre(count_from(2), count_from(3))));
}

TEST_P(LargeValues, OfAZipAreOneArgument) {
  auto made = source.scatter(client).map([](int first) { return count_from(first); });
  auto other = source.scatter(client).map([](int x) { return x; });
  auto out = made.zip(other)
                 .map([](const std::tuple<Numbers, int>& pair) { return sum(std::get<0>(pair)) + std::get<1>(pair); })
                 .gather()
                 .sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(sum_from(0), sum_from(1) + 1, sum_from(2) + 2, sum_from(3) + 3));
}

TEST_P(LargeValues, PassThroughAnAccumulateAndAFlatten) {
  auto made = source.scatter(client).map([](int first) { return count_from(first); });
  auto sums = made.accumulate([](std::int64_t all, const Numbers& more) { return all + sum(more); }, std::int64_t{0})
                  .gather()
                  .sink_to_vector();
  std::atomic<std::int64_t> items{0};
  made.flatten().gather().sink([&](std::int64_t) { ++items; });
  for (int x = 0; x < 2; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(sums.values(), ElementsAre(sum_from(0), sum_from(0) + sum_from(1)));
  EXPECT_EQ(items, 2 * kMany);
}

TEST_P(LargeValues, ComeWithoutBlockingToo) {
  asio::io_context io;
  auto all = asio::co_spawn(
      io,
      [client = client]() -> asio::awaitable<std::int64_t> {
        const auto one = client.submit(count_from, std::int64_t{1});
        const auto two = client.submit(count_from, std::int64_t{2});
        const Numbers first = co_await one.async_get();
        const std::vector<Future<Numbers>> futures{one, two};
        const std::vector<Numbers> both = co_await client.async_gather(futures);
        co_return sum(first) + sum(both.at(0)) + sum(both.at(1));
      },
      asio::use_future);
  io.run();
  EXPECT_EQ(all.get(), 2 * sum_from(1) + sum_from(2));
}

TEST_P(LargeValues, OfArgumentsReachTheWorkers) {
  const Numbers numbers = count_from(7);
  EXPECT_EQ(client.submit(sum, numbers).get(), sum_from(7));
  EXPECT_EQ(client.submit([](const Numbers& in) { return in; }, numbers).get(), numbers);
}

TEST_P(LargeValues, OfAnotherClientComeHereFirst) {
  auto other = Client::local({.mode = GetParam(), .workers = 1, .dashboard = false});
  const auto future = other.submit(count_from, std::int64_t{1});
  future.wait();
  EXPECT_EQ(client.submit(sum, future).get(), sum_from(1));
}

TEST_P(LargeValues, AFutureWithoutItsClientSaysSo) {
  auto other = Client::local({.mode = GetParam(), .workers = 1, .dashboard = false});
  const auto future = other.submit(count_from, std::int64_t{1});
  future.wait();
  other = Client();
  EXPECT_THROW(future.get(), TaskCancelled);
}

// ---- freeing ------------------------------------------------------------------------------------

class LargeValuesOfOneWorker : public testing::Test {
 protected:
  Client client = Client::local({.workers = 1, .dashboard = false});
  int values() { return client.submit(values_here).get(); }
};

TEST_F(LargeValuesOfOneWorker, AreFreedWithTheirLastFuture) {
  std::vector<Future<Numbers>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(client.submit(count_from, std::int64_t{i}));
  wait(futures);
  EXPECT_EQ(values(), 20);
  futures.resize(5);
  EXPECT_TRUE(becomes_true([&] { return values() == 5; }));
  futures.clear();
  EXPECT_TRUE(becomes_true([&] { return values() == 0; }));
}

Numbers one_more(const Numbers& numbers) {
  Numbers more = numbers;
  for (auto& x : more) ++x;
  return more;
}

TEST_F(LargeValuesOfOneWorker, InAChainAreFreedExceptForTheLast) {
  auto last = client.submit(count_from, std::int64_t{0});
  for (int i = 0; i < 200; ++i) last = client.submit(one_more, last);
  EXPECT_EQ(last.get(), count_from(200));
  EXPECT_TRUE(becomes_true([&] { return values() <= 1; }));
}

TEST_F(LargeValuesOfOneWorker, AreFreedWhenTheyWereGathered) {
  Stream<int> source;
  source.scatter(client).map([](int first) { return count_from(first); }).gather().sink([](const Numbers&) {});
  for (int x = 0; x < 100; ++x) source.emit(x);
  source.drain();
  EXPECT_TRUE(becomes_true([&] { return values() == 0; }));
}

TEST_F(LargeValuesOfOneWorker, AreFreedWhenTheirTaskWasCancelled) {
  const auto slow = client.submit([] {
    std::this_thread::sleep_for(100ms);
    return count_from(1);
  });
  std::this_thread::sleep_for(20ms);
  slow.cancel();
  EXPECT_TRUE(becomes_true([&] { return values() == 0; }));
}

TEST_F(LargeValuesOfOneWorker, OfArgumentsAreFreedHereToo) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.submit(sum, count_from(i)).get(), sum_from(i));
  EXPECT_TRUE(becomes_true([&] { return values_here() == 0; }));
}

// ---- loss ---------------------------------------------------------------------------------------

class LostValues : public testing::Test {
 protected:
  Client client = Client::local({.workers = 2, .dashboard = false});

  // Kills the process that made it.
  Made made_by_one_that_died(const Future<Made>& future) {
    const Made made = future.get();
    kill(made.by.process, SIGKILL);
    EXPECT_TRUE(becomes_true([&] { return kill(made.by.process, 0) != 0; }));
    return made;
  }
};

TEST_F(LostValues, AreMadeAgainWhenTheyAreWanted) {
  const auto future = client.submit(make_from, std::int64_t{3});
  const Made before = made_by_one_that_died(future);
  const Made after = future.get();
  EXPECT_EQ(after.numbers, before.numbers);
  EXPECT_NE(after.by.process, before.by.process);
}

TEST_F(LostValues, AreMadeAgainForTheirTasks) {
  const auto future = client.submit(make_from, std::int64_t{3});
  made_by_one_that_died(future);
  std::vector<Future<Place>> all;
  for (int i = 0; i < 10; ++i) all.push_back(client.submit(taken, future));
  for (const auto& place : client.gather(all)) EXPECT_EQ(place.value, sum_from(3));
}

TEST_F(LostValues, AreMadeAgainTogetherWithWhatTheyWereMadeOf) {
  const auto first = client.submit(make_from, std::int64_t{1});
  const auto second = client.submit(
      [](const Made& from) {
        Made made = make_from(from.by.value + 1);
        made.by.value = from.by.value + 1;
        return made;
      },
      first);
  second.wait();
  made_by_one_that_died(first);
  made_by_one_that_died(second);
  EXPECT_EQ(client.submit(taken, second).get().value, sum_from(2));
}

TEST_F(LostValues, OfShortTasksAreMadeAgainToo) {
  // Short tasks travel together; those that make lost values again must not.
  const auto quick = [](std::int64_t first) { return std::string(100'000, static_cast<char>('a' + first)); };
  const auto length = [](const std::string& a, const std::string& b) { return a.size() + b.size(); };
  for (int i = 0; i < 100; ++i) client.submit(quick, std::int64_t{0}).get();  // it is known to be short
  const auto one = client.submit(quick, std::int64_t{1});
  const auto two = client.submit(quick, std::int64_t{2});
  wait(std::vector{one, two});
  for (const auto& [name, process] : client.run_on_all([] { return static_cast<int>(getpid()); })) {
    const int dying = process.get();
    kill(dying, SIGKILL);
    EXPECT_TRUE(becomes_true([&] { return kill(dying, 0) != 0; }));
  }
  EXPECT_EQ(client.submit(length, one, two).get(), 200'000u);
  EXPECT_EQ(two.get(), quick(2));
}

TEST_F(LostValues, OfAStreamComeAllAndInOrderWhateverDies) {
  Stream<int> source;
  std::atomic<int> process{0};
  auto made = source.scatter(client).map([](int first) { return make_from(first); });
  auto sums = made.map(taken).gather().map([](const Place& place) { return place.value; }).sink_to_vector();
  made.gather().sink([&](const Made& one) { process = one.by.process; });
  for (int x = 0; x < 200; ++x) {
    source.emit(x);
    if (x % 50 == 25 && process != 0) kill(process, SIGKILL);
  }
  source.drain();
  ASSERT_THAT(sums.values(), SizeIs(200));
  for (int x = 0; x < 200; ++x) EXPECT_EQ(sums.values()[x], sum_from(x));
}

}  // namespace
}  // namespace penstock
