// Values that run along a distributed stream: accumulate, keyed_accumulate, frequencies. Also while processes die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <map>
#include <string>
#include <thread>

#include "tests/client/local_cluster_case.hpp"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct RunningValues : LocalClusterCase {};

TEST_F(RunningValues, FrequenciesCountEqualElements) {
  auto out = scattered.map([](int x) { return x % 3; }).frequencies().gather().sink_to_vector();
  emit(1, 7);
  source.drain();
  EXPECT_EQ(out.values().back(), (Frequencies<int>{{0, 2}, {1, 3}, {2, 2}}));
}

TEST_F(RunningValues, KeyedAccumulateHasAStateForEachKeyAndKeepsTheOrder) {
  auto out = scattered.map(uneven)
                 .keyed_accumulate([](int x) { return x % 2; }, [](int sum, int x) { return sum + x; }, 0)
                 .gather()
                 .sink_to_vector();
  emit(1, 6);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(Pair(1, 1), Pair(0, 2), Pair(1, 4), Pair(0, 6), Pair(1, 9), Pair(0, 12)));
}

TEST_F(RunningValues, KeyedAccumulateForgetsKeysThatAreTooMany) {
  auto out = scattered
                 .keyed_accumulate([](int x) { return x; }, [](int count, int) { return count + 1; }, 0,
                                   {.max_keys = 2})
                 .gather()
                 .sink_to_vector();
  for (int x : {1, 2, 2, 3, 1}) {
    source.emit(x);
    source.drain();
  }
  EXPECT_THAT(out.values(), ElementsAre(Pair(1, 1), Pair(2, 1), Pair(2, 2), Pair(3, 1), Pair(1, 1)));
}

TEST_F(RunningValues, AccumulateChangesItsStateInPlace) {
  auto out = scattered
                 .accumulate([](std::vector<int>& all, int x) { all.push_back(x); }, std::vector<int>())
                 .gather()
                 .sink_to_vector();
  emit(1, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1), ElementsAre(1, 2), ElementsAre(1, 2, 3)));
}

TEST_F(RunningValues, AccumulateWithStateEmitsBoth) {
  auto sums = scattered.accumulate([](int sum, int x) { return sum + x; }, 1, with_state).gather().sink_to_vector();
  auto texts = scattered
                   .accumulate([](int last, int x) { return std::pair(x, std::to_string(x - last)); }, 0,
                               returns_state, with_state)
                   .gather()
                   .sink_to_vector();
  emit(2, 3);
  source.drain();
  EXPECT_THAT(sums.values(), ElementsAre(Pair(3, 3), Pair(6, 6)));
  EXPECT_THAT(texts.values(), ElementsAre(Pair(2, "2"), Pair(3, "1")));
}

TEST_F(RunningValues, AnAccumulateCanBeReset) {
  auto sums = scattered.accumulate([](int sum, int x) { return sum + x; }, 0);
  auto out = sums.gather().sink_to_vector();
  emit(1, 2);
  source.drain();
  sums.reset(100);
  emit(3, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 103));
}

TEST_F(RunningValues, AResetTakesEffectBehindWhatCameBeforeIt) {
  auto sums = scattered.map(uneven).accumulate([](int sum, int x) { return sum + x; }, 0);
  auto out = sums.gather().sink_to_vector();
  std::vector<int> expected;
  for (int round = 0, sum = 0; round < 20; ++round) {
    for (int x = 1; x <= 20; ++x) {
      source.emit(x);
      expected.push_back(sum += x);
    }
    sums.reset(sum = 1000 * round);
  }
  source.drain();
  EXPECT_EQ(out.values(), expected);
}

TEST_F(RunningValues, AnAccumulateReadsLargeElementsWhereTheyAre) {
  auto out = scattered
                 .map([](int x) { return std::string(200'000, static_cast<char>('a' + x)); })
                 .accumulate([](const std::string& last, const std::string& text) {
                   return last.substr(0, 5) + text.front() + std::to_string(text.size());
                 }, std::string())
                 .gather()
                 .sink_to_vector();
  emit(1, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("b200000", "b2000c200000", "b2000d200000"));
}

TEST_F(RunningValues, HeedWhichWorkerTheirClientNames) {
  const std::string worker = client.list_workers().at(1).name;
  const auto name_of_worker = [](const std::string&, int) { return this_task::worker(); };
  Stream<int> numbers;
  const auto pinned = numbers.scatter(client.with({.worker = worker}));
  auto all = pinned.accumulate(name_of_worker, std::string()).gather().sink_to_vector();
  auto keyed = pinned.keyed_accumulate([](int x) { return x % 2; }, name_of_worker, std::string()).gather()
                   .sink_to_vector();
  for (int x = 0; x < 50; ++x) {
    numbers.emit(x);
    if (x % 10 == 0) numbers.drain();
  }
  numbers.drain();
  EXPECT_EQ(all.values(), std::vector<std::string>(50, worker));
  for (const auto& [key, name] : keyed.values()) EXPECT_EQ(name, worker);
}

// ---- while workers die ---------------------------------------------------------------------------

// Takes a moment, so that workers die while they run.
long add_slowly(long sum, int x) {
  std::this_thread::sleep_for(std::chrono::microseconds(100));
  return sum + x;
}

TEST(RunningValuesSurvive, WorkersThatDie) {
  constexpr int kElements = 6000;
  const Client client = Client::local({.workers = 3, .dashboard = false});
  Stream<int> source;
  const auto scattered = source.scatter(client);
  auto sums = scattered.accumulate(add_slowly, 0L).gather().sink_to_vector();
  auto by_key = scattered.keyed_accumulate([](int x) { return x % 5; }, add_slowly, 0L).gather().sink_to_vector();
  auto counts = scattered.map([](int x) { return x % 3; }).frequencies().gather().sink_to_vector();

  std::atomic<bool> done{false};
  int killed = 0;
  std::thread killer([&] {
    while (!done) {
      // Each in its turn: a task that has killed three workers is given up.
      const auto workers = client.list_workers();
      if (workers.size() == 3) {
        const auto process = client.with({.worker = workers[0].name}).submit([] { return getpid(); });
        try {
          if (process.wait_for(std::chrono::seconds(1))) kill(process.get(), SIGKILL), ++killed;
        } catch (const Error&) {
        }  // it is gone
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
    }
  });
  for (int x = 0; x < kElements; ++x) source.emit(x);
  source.drain();
  done = true;
  killer.join();
  EXPECT_GE(killed, 2);

  long sum = 0;
  std::map<int, long> sum_of;
  Frequencies<int> count;
  ASSERT_EQ(sums.values().size(), std::size_t{kElements});
  const auto all = sums.values();
  const auto keyed = by_key.values();
  const auto counted = counts.values();
  for (int x = 0; x < kElements; ++x) {
    const auto i = static_cast<std::size_t>(x);
    ASSERT_EQ(all[i], sum += x);
    ASSERT_EQ(keyed.at(i), std::pair(x % 5, sum_of[x % 5] += x));
    ++count[x % 3];
    ASSERT_EQ(counted.at(i), count);
  }
}

}  // namespace
}  // namespace penstock
