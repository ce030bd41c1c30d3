// Values that run along a distributed stream: accumulate, keyed_accumulate, frequencies. Also while processes die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/becomes_true.hpp"
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

struct Text {
  std::string of_worker;
  std::string text;
};
Text text_of(int x) { return {this_task::worker(), std::string(100'000 * static_cast<std::size_t>(x), 'a')}; }

TEST_F(RunningValues, AnAccumulateRunsWhereItsLargeElementsAre) {
  struct Seen {
    std::size_t bytes = 0;
    int elsewhere = 0;
  };
  auto out = scattered.map(text_of)
                 .accumulate([](const Seen& seen, const Text& text) {
                   return Seen{seen.bytes + text.text.size(), seen.elsewhere + (text.of_worker != this_task::worker())};
                 }, Seen())
                 .gather()
                 .sink_to_vector();
  for (int x = 1; x <= 20; ++x) {
    source.emit(x % 4 + 1);
    source.drain();  // one in each batch
  }
  EXPECT_EQ(out.values().back().bytes, 5'000'000u);
  EXPECT_EQ(out.values().back().elsewhere, 0);
}

TEST_F(RunningValues, AnAccumulateReadsSmallAndLargeElementsInOneBatch) {
  const auto add = [](std::vector<std::size_t> sizes, const Text& text) {
    sizes.push_back(text.text.size());
    return sizes;
  };
  auto out = scattered.map([](int x) { return x % 2 == 0 ? Text{"", "small"} : text_of(x); })
                 .accumulate(add, std::vector<std::size_t>())
                 .gather()
                 .sink_to_vector();
  // A state beside which elements come here, so as to travel through shared memory.
  auto large = scattered.map(text_of)
                   .accumulate([](std::string all, const Text& text) { return all + text.text; },
                               std::string(300'000, 'b'))
                   .map([](const std::string& all) { return all.size(); })
                   .gather()
                   .sink_to_vector();
  emit(1, 6);
  source.drain();
  EXPECT_THAT(out.values().back(), ElementsAre(100'000, 5, 300'000, 5, 500'000, 5));
  EXPECT_THAT(large.values(), ElementsAre(400'000, 600'000, 900'000, 1'300'000, 1'800'000, 2'400'000));
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

// ---- where keys are ------------------------------------------------------------------------------

// Of one key: where its last element was, how often that was another worker than before, and how many there were.
struct Trail {
  std::string worker;
  int moves = 0;
  int count = 0;
};
// Takes x / 10 ms.
Trail follow(Trail trail, int x) {
  std::this_thread::sleep_for(std::chrono::milliseconds(x / 10));
  if (trail.count++ > 0 && trail.worker != this_task::worker()) ++trail.moves;
  trail.worker = this_task::worker();
  return trail;
}

struct KeysOnWorkers : testing::Test {
  Client client = Client::local({.workers = 2, .dashboard = false});
  Stream<int> source;
  VectorSink<std::pair<int, Trail>> out =
      source.scatter(client).keyed_accumulate([](int x) { return x % 2; }, follow, Trail()).gather().sink_to_vector();

  // The trail after the last of them; all at once.
  Trail trail_after(std::vector<int> elements) {
    for (int x : elements) source.emit(x);
    source.drain();
    return out.values().back().second;
  }

  // The worker of each key, when elements that take a while have brought them apart.
  std::map<int, std::string> spread() {
    std::map<int, std::string> homes;
    EXPECT_TRUE(becomes_true([&] {
      trail_after({500, 501});
      const auto all = out.values();
      for (const auto& [key, trail] : all) homes[key] = trail.worker;
      return homes.at(0) != homes.at(1);
    }));
    return homes;
  }
};

TEST_F(KeysOnWorkers, StayWhereTheyAreAndMoveWhenTheirWorkerGoes) {
  const auto homes = spread();
  for (int x : {0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0}) EXPECT_EQ(trail_after({x}).worker, homes.at(x));
  const Trail before = trail_after({0});
  client.retire_workers({homes.at(0)});
  EXPECT_TRUE(becomes_true([&] { return client.workers() == 1; }));
  for (int more : {1, 2}) {
    const Trail moved = trail_after({0});
    EXPECT_EQ(moved.worker, homes.at(1));
    EXPECT_EQ(moved.moves, before.moves + 1);
    EXPECT_EQ(moved.count, before.count + more);
  }
}

TEST_F(KeysOnWorkers, MoveToAnIdleWorkerWhileTheirsIsBusy) {
  const std::string other = client.list_workers().at(0).name;
  auto blocker = client.with({.worker = other}).submit([] {
    while (!this_task::stop_token().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT_TRUE(becomes_true([&] { return client.list_workers().at(0).running == 1; }));
  const std::string home = trail_after({0}).worker;
  EXPECT_NE(home, other);
  EXPECT_EQ(trail_after({1}).worker, home);
  blocker.cancel();
  const auto homes = spread();
  for (int x : {0, 0, 1, 0, 0, 1, 1}) EXPECT_EQ(trail_after({x}).worker, homes.at(x));
}

// ---- while workers die ---------------------------------------------------------------------------

// Takes a moment, so that workers die while they run.
long add_slowly(long sum, int x) {
  std::this_thread::sleep_for(std::chrono::microseconds(100));
  return sum + x;
}
long add_size_slowly(long sum, const std::string& text) { return add_slowly(sum, static_cast<int>(text.size())); }
// Stays on its worker, and is another one when it is made again: longer, as other processes have other numbers.
std::string unlike_itself(int x) {
  return std::string(x % 50 == 0 ? 70'000 + static_cast<std::size_t>(getpid()) % 1000 : 1, 'a');
}

TEST(RunningValuesSurvive, WorkersThatDie) {
  // Two threads: what kills a worker does not wait until its other task is done.
  const Client client = Client::local({.workers = 3, .threads = 2, .dashboard = false});
  Stream<int> source;
  const auto scattered = source.scatter(client);
  auto sums = scattered.accumulate(add_slowly, 0L).gather().sink_to_vector();
  auto by_key = scattered.keyed_accumulate([](int x) { return x % 5; }, add_slowly, 0L).gather().sink_to_vector();
  auto counts = scattered.map([](int x) { return x % 3; }).frequencies().gather().sink_to_vector();
  auto sizes = scattered.map(unlike_itself).accumulate(add_size_slowly, 0L).gather().sink_to_vector();

  int elements = 0;
  const auto emit_some = [&] {
    for (int i = 0; i < 300; ++i) source.emit(elements++);
  };
  // Twice: a task that has seen three workers die is given up.
  int killed = 0;
  for (int tries = 0; killed < 2 && tries < 50; ++tries) {
    emit_some();
    const auto workers = client.list_workers();
    if (workers.empty()) continue;
    try {
      kill(client.with({.worker = workers.front().name}).submit([] { return getpid(); }).get(), SIGKILL);
      ++killed;
    } catch (const TaskError&) {
    }  // it had died already, and was still in the list
    emit_some();
    client.wait_for_workers(3);
  }
  EXPECT_EQ(killed, 2);
  source.drain();

  long sum = 0;
  std::map<int, long> sum_of;
  Frequencies<int> count;
  const auto all = sums.values();
  const auto keyed = by_key.values();
  const auto counted = counts.values();
  const auto size = static_cast<std::size_t>(elements);
  ASSERT_EQ(std::vector({all.size(), keyed.size(), counted.size(), sizes.values().size()}),
            std::vector<std::size_t>(4, size));
  for (int x = 0; x < elements; ++x) {
    const auto i = static_cast<std::size_t>(x);
    ASSERT_EQ(all[i], sum += x);
    ASSERT_EQ(keyed.at(i), std::pair(x % 5, sum_of[x % 5] += x));
    ++count[x % 3];
    ASSERT_EQ(counted.at(i), count);
  }
}

}  // namespace
}  // namespace penstock
