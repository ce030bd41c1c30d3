// Every operator of a distributed stream, on real clusters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include "tests/client/local_cluster_case.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

struct DistributedNodes : LocalClusterCase {};

TEST_F(DistributedNodes, FilterKeepsOrderBetweenMaps) {
  auto out = scattered.map(uneven)
                 .filter([](int x) { return x % 3 == 0; })
                 .map([](int x) { return 10 * x; })
                 .gather()
                 .sink_to_vector();
  emit(1, 100);
  source.drain();
  std::vector<int> expected;
  for (int x = 3; x <= 100; x += 3) expected.push_back(10 * x);
  EXPECT_EQ(out.values(), expected);
}

TEST_F(DistributedNodes, RemoveIsTheOtherHalfOfFilter) {
  auto out = scattered.remove([](int x) { return x % 3 == 0; }).gather().sink_to_vector();
  emit(1, 7);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 4, 5, 7));
}

TEST_F(DistributedNodes, WhatIsDroppedLetsGoOfItsToken) {
  std::vector<int> released;
  scattered.filter([](int x) { return x > 1; }).gather().sink([](int) {});
  for (int x = 1; x <= 2; ++x) source.emit(x, Token([&released, x] { released.push_back(x); }));
  source.drain();
  EXPECT_THAT(released, testing::UnorderedElementsAre(1, 2));
}

TEST_F(DistributedNodes, FilterInABranchDropsThereOnly) {
  auto common = scattered.map(uneven);
  auto even = common.filter([](int x) { return x % 2 == 0; }).gather().sink_to_vector();
  auto all = common.gather().sink_to_vector();
  emit(1, 6);
  source.drain();
  EXPECT_THAT(even.values(), ElementsAre(2, 4, 6));
  EXPECT_THAT(all.values(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(DistributedNodes, FlattenMakesElementsOfItems) {
  auto out = scattered
                 .map([](int x) { return std::vector<std::string>(x % 3, std::to_string(x)); })
                 .flatten()
                 .map([](const std::string& text) { return text + "!"; })
                 .gather()
                 .sink_to_vector();
  emit(1, 5);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("1!", "2!", "2!", "4!", "5!", "5!"));
}

TEST_F(DistributedNodes, AWindowIsOneArgumentOfTheNextMap) {
  auto out = scattered.map(uneven)
                 .sliding_window(3, false)
                 .map([](const std::vector<int>& window) {
                   return std::accumulate(window.begin(), window.end(), 0);
                 })
                 .gather()
                 .sink_to_vector();
  emit(1, 6);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(6, 9, 12, 15));
}

TEST_F(DistributedNodes, PartitionsAreVectorsAndTheEndFlushesTheRest) {
  auto out = scattered.map(uneven).partition(4).gather().sink_to_vector();
  emit(1, 10);
  source.drain();  // does not wait for what rests in a partition
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2, 3, 4), ElementsAre(5, 6, 7, 8)));
  source.close();
  EXPECT_THAT(out.values().back(), ElementsAre(9, 10));
}

TEST_F(DistributedNodes, APartitionMayBeLargerThanTheWindow) {
  Stream<int> numbers;
  auto out = numbers.scatter(client, {.window = 2}).map(uneven).partition(50).map([](std::vector<int> batch) {
    return batch.size();
  }).gather().sink_to_vector();
  for (int x = 0; x < 200; ++x) numbers.emit(x);
  numbers.drain();
  EXPECT_THAT(out.values(), ElementsAre(50, 50, 50, 50));
}

TEST_F(DistributedNodes, PartitionsTimeOut) {
  auto out = scattered.partition(10, {.timeout = 20ms}).gather().sink_to_vector();
  emit(1, 2);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(DistributedNodes, PartitionsByKey) {
  auto out = scattered.partition(2, [](int x) { return x % 2; }).gather().sink_to_vector();
  emit(1, 5);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 3), ElementsAre(2, 4), ElementsAre(5)));
}

TEST_F(DistributedNodes, PartitionsOfDistinctKeys) {
  auto first = scattered.partition_unique(2, [](int x) { return x / 10; }).gather().sink_to_vector();
  auto last = scattered.partition_unique(2, [](int x) { return x / 10; }, Keep::kLast).gather().sink_to_vector();
  for (int x : {1, 2, 11, 12}) source.emit(x);
  source.drain();
  EXPECT_THAT(first.values(), ElementsAre(ElementsAre(1, 11)));
  EXPECT_THAT(last.values(), ElementsAre(ElementsAre(2, 11)));
}

TEST_F(DistributedNodes, UniqueForgetsOnlyBeyondItsSize) {
  auto out = scattered.unique().gather().sink_to_vector();
  auto by_key = scattered.unique({.maxsize = 1}, [](int x) { return x % 10; }).gather().sink_to_vector();
  for (int x : {1, 11, 2, 1}) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 11, 2));
  EXPECT_THAT(by_key.values(), ElementsAre(1, 2, 1));
}

TEST_F(DistributedNodes, TimedWindowsGatherWhatCame) {
  auto out = scattered.map(uneven).timed_window(30ms, {.emit_empty = false}).gather().sink_to_vector();
  auto unique = scattered.timed_window_unique(30ms, [](int x) { return x % 2; }, Keep::kLast,
                                              {.emit_empty = false})
                    .gather().sink_to_vector();
  emit(1, 4);
  source.drain();
  std::vector<int> all;
  for (const auto& window : out.values()) all.insert(all.end(), window.begin(), window.end());
  EXPECT_THAT(all, ElementsAre(1, 2, 3, 4));
  ASSERT_THAT(unique.values(), testing::Not(IsEmpty()));
  EXPECT_EQ(unique.values().back().back(), 4);
}

TEST_F(DistributedNodes, ZipMakesTuplesOfSeveralStreams) {
  Stream<std::string> names;
  auto out = scattered.map(uneven)
                 .zip(names.scatter(client), 7)
                 .starmap([](int x, const std::string& name, int seven) {
                   return name + std::to_string(x * seven);
                 })
                 .gather()
                 .sink_to_vector();
  for (const char* name : {"a", "b", "c"}) names.emit(name);
  emit(1, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("a7", "b14", "c21"));
}

TEST_F(DistributedNodes, ZipOfTwoBranchesOfOneStream) {
  auto common = scattered.map(uneven);
  auto out = common.map([](int x) { return x + 1; })
                 .zip(common.map([](int x) { return 2.5 * x; }))
                 .gather()
                 .sink_to_vector();
  emit(1, 40);
  source.drain();
  ASSERT_THAT(out.values(), SizeIs(40));
  for (int x = 1; x <= 40; ++x) EXPECT_EQ(out.values()[x - 1], std::tuple(x + 1, 2.5 * x));
}

TEST_F(DistributedNodes, JoinsTakeTheLatest) {
  Stream<int> other;
  auto combined = scattered.combine_latest(other.scatter(client)).gather().sink_to_vector();
  auto zipped = scattered.zip_latest(other.scatter(client)).gather().sink_to_vector();
  source.emit(1);
  source.drain();
  other.emit(10);
  other.drain();
  source.emit(2);
  source.drain();
  EXPECT_THAT(combined.values(), ElementsAre(std::tuple(1, 10), std::tuple(2, 10)));
  EXPECT_THAT(zipped.values(), ElementsAre(std::tuple(1, 10), std::tuple(2, 10)));
}

TEST_F(DistributedNodes, UnionHasTheElementsOfAll) {
  Stream<int> other;
  auto out = scattered.map(uneven).merge(other.scatter(client)).gather().sink_to_vector();
  emit(1, 2);
  other.emit(10);
  source.drain();
  EXPECT_THAT(out.values(), testing::UnorderedElementsAre(1, 2, 10));
}

TEST_F(DistributedNodes, SliceCountsWhatAFilterKept) {
  auto out = scattered.filter([](int x) { return x % 2 == 0; }).slice(1, 8, 2).gather().sink_to_vector();
  emit(1, 20);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(4, 8, 12, 16));
}

TEST_F(DistributedNodes, DelayKeepsElementsForAWhile) {
  std::atomic<int> seen{0};
  scattered.map(uneven).delay(50ms).gather().sink([&](int) { ++seen; });
  const auto start = std::chrono::steady_clock::now();
  emit(1, 3);
  source.drain();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 50ms);
  EXPECT_EQ(seen, 3);
}

TEST_F(DistributedNodes, TheLastElementComesThroughLatestAndDebounce) {
  auto latest = scattered.latest().gather().sink_to_vector();
  auto debounced = scattered.debounce(20ms).gather().sink_to_vector();
  auto throttled = scattered.throttle(1h).gather().sink_to_vector();
  emit(1, 5);
  source.drain();
  EXPECT_EQ(latest.values().back(), 5);
  EXPECT_EQ(debounced.values().back(), 5);
  EXPECT_THAT(throttled.values(), ElementsAre(1));
}

TEST_F(DistributedNodes, CollectKeepsElementsUntilTheFlush) {
  auto collected = scattered.map(uneven).collect();
  auto out = collected.map([](const std::vector<int>& all) { return all.size(); }).gather().sink_to_vector();
  emit(1, 3);
  source.drain();
  collected.flush();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(3));
  source.emit(4);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(3, 1));
}

TEST_F(DistributedNodes, EqualElementsAreSeparateElements) {
  const auto times = scattered.map([](int x) { return 10 * x; });
  auto out = times.gather().sink_to_vector();
  auto by_completion = times.gather({.order = Order::kCompletion}).sink_to_vector();
  for (int i = 0; i < 100; ++i) source.emit(i % 2);
  source.drain();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(out.values()[static_cast<std::size_t>(i)], 10 * (i % 2));
  const auto values = by_completion.values();
  EXPECT_EQ(std::count(values.begin(), values.end(), 10), 50);
  EXPECT_EQ(values.size(), 100u);
}

TEST_F(DistributedNodes, APartitionMayBeMadeBeforeItIsScattered) {
  auto out = source.partition(2)
                 .scatter(client)
                 .map([](const std::vector<int>& two) { return two[0] + two[1]; })
                 .gather()
                 .sink_to_vector();
  emit(1, 6);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(3, 7, 11));
}

TEST_F(DistributedNodes, ANestedWindowOfLargeValuesIsPutTogetherOnTheWorker) {
  auto out = scattered.map([](int x) { return std::string(100'000, static_cast<char>('a' + x)); })
                 .sliding_window(2, false)
                 .partition(2)
                 .map([](const std::vector<std::vector<std::string>>& windows) {
                   std::string first;
                   std::size_t size = 0;
                   for (const auto& window : windows) {
                     for (const auto& text : window) {
                       first += text.front();
                       size += text.size();
                     }
                   }
                   return first + std::to_string(size);
                 })
                 .gather()
                 .sink_to_vector();
  emit(1, 5);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("bccd400000", "deef400000"));
}

TEST_F(DistributedNodes, PluckTakesParts) {
  Stream<std::tuple<int, std::string, double>> rows;
  auto one = rows.scatter(client).pluck<1>().gather().sink_to_vector();
  auto two = rows.scatter(client).pluck<2, 0>().gather().sink_to_vector();
  rows.emit({1, "a", 0.5});
  rows.drain();
  EXPECT_THAT(one.values(), ElementsAre("a"));
  EXPECT_THAT(two.values(), ElementsAre(std::tuple(0.5, 1)));
}

TEST_F(DistributedNodes, AnElementThatFailedDoesNotComeIntoAWindow) {
  Stream<Failure> errors;
  std::vector<std::string> texts;
  errors.sink([&](const Failure& failure) { texts.push_back(failure.text()); });
  auto out = scattered
                 .map([](int x) {
                   if (x == 2) throw std::runtime_error("two is bad");
                   return x;
                 })
                 .partition(2)
                 .gather()
                 .on_error(ErrorPolicy::dead_letter(errors))
                 .sink_to_vector();
  emit(1, 5);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 3), ElementsAre(4, 5)));
  EXPECT_THAT(texts, ElementsAre(HasSubstr("two is bad")));
}

TEST_F(DistributedNodes, AKeyFunctionThatFailsLosesItsElementOnly) {
  auto out = scattered
                 .unique({}, [](int x) {
                   if (x == 2) throw std::runtime_error("no key");
                   return x;
                 })
                 .gather()
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  emit(1, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
}

TEST_F(DistributedNodes, TokensOfAWindowAreHeldUntilItsResultIsDelivered) {
  std::vector<int> released;
  std::size_t released_before = 99;
  scattered.partition(2).map([](std::vector<int> batch) { return batch.size(); }).gather().sink([&](std::size_t) {
    released_before = released.size();
  });
  for (int x = 1; x <= 2; ++x) source.emit(x, Token([&released, x] { released.push_back(x); }));
  source.drain();
  EXPECT_EQ(released_before, 0u);
  EXPECT_THAT(released, testing::UnorderedElementsAre(1, 2));
}

TEST_F(DistributedNodes, WindowsOfWindowsAreNested) {
  auto out = scattered.partition(2).partition(2).map([](const std::vector<std::vector<int>>& parts) {
    int sum = 0;
    for (const auto& part : parts) sum = 10 * sum + part.front() + part.back();
    return sum;
  }).gather().sink_to_vector();
  emit(1, 4);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(37));
}

TEST_F(DistributedNodes, SeveralGathersOfOneStream) {
  auto common = scattered.map(uneven);
  auto a = common.gather().sink_to_vector();
  auto b = common.gather({.order = Order::kCompletion}).sink_to_vector();
  emit(1, 20);
  source.drain();
  EXPECT_THAT(a.values(), SizeIs(20));
  EXPECT_THAT(b.values(), testing::UnorderedElementsAreArray(a.values()));
}

TEST_F(DistributedNodes, AnElementThatFailedKeepsItsPlaceInAZip) {
  auto common = scattered.map(uneven);
  auto out = common
                 .zip(common.map([](int x) {
                   if (x == 2) throw std::runtime_error("two is bad");
                   return 10 * x;
                 }))
                 .gather()
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  emit(1, 4);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(std::tuple(1, 10), std::tuple(3, 30), std::tuple(4, 40)));
}

TEST_F(DistributedNodes, WhatIsRefusedLeavesTheStreamAsItWas) {
  auto doubled = scattered.map([](int x) {
    if (x == 2) throw std::runtime_error("two is bad");
    return 2 * x;
  });
  EXPECT_THROW(doubled.partition(0, [](int x) { return x; }), Error);
  EXPECT_THROW(doubled.timed_window_unique(0ms), Error);
  EXPECT_THROW(doubled.zip(doubled, ZipOptions{.maxsize = 0}), Error);
  auto out = doubled.gather().on_error(ErrorPolicy::skip()).sink_to_vector();
  emit(1, 3);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2, 6));
}

TEST_F(DistributedNodes, ALargeStateTravelsWithFewElementsAtATime) {
  Stream<std::vector<int>> batches;
  auto out = batches.scatter(client).flatten().frequencies().map([](const Frequencies<int>& counts) {
    return counts.size();
  }).gather().sink_to_vector();
  std::vector<int> distinct(6000);
  std::iota(distinct.begin(), distinct.end(), 0);
  batches.emit(distinct);
  batches.drain();
  ASSERT_THAT(out.values(), SizeIs(6000));
  EXPECT_EQ(out.values().back(), 6000u);
}

}  // namespace
}  // namespace penstock
