// s.partition(n, key): a batch for each key.
#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

const auto kTens = [](int x) { return x / 10; };

class KeyedPartition : public ::testing::Test {
 protected:
  VirtualLoop loop;
  Stream<int> source{loop};
};

TEST_F(KeyedPartition, EmitsABatchWhenOneKeyHasN) {
  Stream<int> free;
  auto out = free.partition(2, kTens).sink_to_vector();
  for (int x : {10, 20, 11, 30, 21, 22}) free.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10, 11), ElementsAre(20, 21)));
}

TEST_F(KeyedPartition, OfOneWrapsEachElement) {
  Stream<int> free;
  auto out = free.partition(1, kTens).sink_to_vector();
  for (int x : {10, 20}) free.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10), ElementsAre(20)));
}

TEST_F(KeyedPartition, OfNoneIsRefused) { EXPECT_THROW(source.partition(0, kTens), Error); }

TEST_F(KeyedPartition, TakesAMemberOrAnOrderedTypeAsKey) {
  struct Reading {
    std::string sensor;
    std::pair<int, int> place;  // has no std::hash
  };
  Stream<Reading> readings;
  auto count = [](const std::vector<Reading>& batch) {
    return batch.front().sensor + std::to_string(batch.size());
  };
  auto by_sensor = readings.partition(2, &Reading::sensor).map(count).sink_to_vector();
  auto by_place = readings.partition(2, &Reading::place).map(count).sink_to_vector();
  readings.emit({"a", {1, 1}});
  readings.emit({"b", {1, 2}});
  readings.emit({"a", {1, 2}});
  EXPECT_THAT(by_sensor.values(), ElementsAre("a2"));
  EXPECT_THAT(by_place.values(), ElementsAre("b2"));
}

TEST_F(KeyedPartition, FlushesAtTheEndInTheOrderInWhichTheBatchesBegan) {
  Stream<int> free;
  auto out = free.partition(2, kTens).sink_to_vector();
  for (int x : {30, 10, 20, 31, 11, 32, 12}) free.emit(x);
  free.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(30, 31), ElementsAre(10, 11), ElementsAre(20),
                                        ElementsAre(32), ElementsAre(12)));
}

TEST_F(KeyedPartition, KeepsNothingForAKeyWithoutElements) {
  Stream<int> free;
  const auto key = std::make_shared<int>(0);
  auto out = free.partition(2, [key](int) { return key; }).sink_to_vector();
  free.emit(1);
  const auto with_a_batch = key.use_count();
  free.emit(2);
  EXPECT_EQ(key.use_count(), with_a_batch - 1);
}

TEST_F(KeyedPartition, TheTimeoutOfAKeyBeginsWithItsFirstElement) {
  std::vector<std::pair<Duration, std::vector<int>>> out;
  source.partition(10, kTens, {.timeout = 2s}).sink([&](const std::vector<int>& batch) {
    out.emplace_back(loop.elapsed(), batch);
  });
  source.emit(10);
  loop.advance(1s);
  source.emit(20);
  source.emit(11);
  loop.advance(5s);
  EXPECT_THAT(out, ElementsAre(std::pair(Duration(2s), std::vector{10, 11}),
                               std::pair(Duration(3s), std::vector{20})));
  loop.run();  // returns: no clock is left
  EXPECT_EQ(loop.elapsed(), 6s);
}

TEST_F(KeyedPartition, AFullBatchStopsItsClockOnly) {
  auto out = source.partition(2, kTens, {.timeout = 2s}).sink_to_vector();
  for (int x : {10, 20, 11}) source.emit(x);
  loop.advance(1s);
  source.emit(12);
  loop.advance(1s);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10, 11), ElementsAre(20)));
  loop.advance(1s);
  EXPECT_THAT(out.values().back(), ElementsAre(12));
}

TEST_F(KeyedPartition, TheEndStopsTheClocks) {
  auto out = source.partition(9, kTens, {.timeout = 2s}).sink_to_vector();
  for (int x : {10, 20, 11}) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10, 11), ElementsAre(20)));
  loop.run();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(KeyedPartition, DrainWaitsForTheTimeoutAndTheSinkBehindIt) {
  int done = 0;
  source.partition(10, kTens, {.timeout = 2s})
      .sink([&](const std::vector<int>&) -> asio::awaitable<void> {
        co_await pass_time(loop, 3s);
        ++done;
      });
  source.emit(10);
  source.emit(20);
  source.drain();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(loop.elapsed(), 8s);
}

TEST_F(KeyedPartition, EmitWaitsWhileABatchThatTimedOutIsDelivered) {
  Gate gate;
  std::vector<std::vector<int>> out;
  source.partition(10, kTens, {.timeout = 2s})
      .sink([&](const std::vector<int>& batch) -> asio::awaitable<void> {
        co_await gate.pass();
        out.push_back(batch);
      });
  source.emit(10);
  source.emit(20);
  loop.advance(2s);
  Outcome emitted;
  source.async_emit(21, emitted.token());
  loop.run_pending();
  EXPECT_FALSE(emitted.done());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_TRUE(emitted.done());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(out, ElementsAre(ElementsAre(10), ElementsAre(20, 21)));
}

TEST_F(KeyedPartition, OnlyTheEmitThatCompletesABatchWaits) {
  source.partition(2, kTens).sink(
      [&](const std::vector<int>&) -> asio::awaitable<void> { co_await pass_time(loop, 3s); });
  source.emit(10);
  source.emit(20);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(11);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST_F(KeyedPartition, JoinsTheTokensOfABatch) {
  Tokens tokens;
  Stream<int> free;
  bool held = false;
  free.partition(2, kTens).sink([&](const std::vector<int>&) { held = tokens.released().empty(); });
  free.emit(10, tokens(1));
  free.emit(20, tokens(2));
  free.emit(11, tokens(3));
  EXPECT_TRUE(held);
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 3));
}

TEST_F(KeyedPartition, AFailingKeyObeysThePolicy) {
  const auto picky = [](int x) {
    if (x == 13) throw std::runtime_error("unlucky");
    return x / 10;
  };
  Stream<int> free;
  auto raising = free.partition(2, picky).sink_to_vector();
  free.emit(10);
  EXPECT_THROW(free.emit(13), std::runtime_error);
  free.emit(11);
  EXPECT_THAT(raising.values(), ElementsAre(ElementsAre(10, 11)));

  Stream<int> skipping;
  Stream<Failure> errors;
  auto dead = errors.map([](const Failure& f) { return std::any_cast<int>(f.element); }).sink_to_vector();
  auto out = skipping.partition(2, picky).on_error(ErrorPolicy::dead_letter(errors)).sink_to_vector();
  for (int x : {10, 13, 11}) skipping.emit(x);
  EXPECT_THAT(dead.values(), ElementsAre(13));
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10, 11)));
}

TEST_F(KeyedPartition, AKeyIsTriedAgain) {
  Stream<int> free;
  int failures = 1;
  auto out = free.partition(2, [&failures](int) {
                   if (failures-- > 0) throw std::runtime_error("try again");
                   return 0;
                 })
                 .on_error(ErrorPolicy::retry(1))
                 .sink_to_vector();
  free.emit(1);
  free.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(KeyedPartition, ReportsWhatABatchThatTimedOutRaised) {
  source.partition(10, kTens, {.timeout = 2s}).sink([](const std::vector<int>&) {
    throw std::runtime_error("batch");
  });
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(KeyedPartition, AnElementThatCannotBeCopiedBeginsNoBatch) {
  Stream<ThrowsOnCopy> values(loop);
  auto out = values.partition(2, [](const ThrowsOnCopy& x) { return x.value; }, {.timeout = 2s})
                 .map([](const std::vector<ThrowsOnCopy>& batch) { return batch.size(); })
                 .sink_to_vector();
  Outcome outcome;
  values.async_emit(ThrowsOnCopy(1), outcome.token());
  ThrowsOnCopy::copies_left = 1;
  loop.run_pending();
  ThrowsOnCopy::copies_left = 0;
  EXPECT_EQ(outcome.error(), "copy failed");
  values.drain();
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(KeyedPartition, InACycleGoesOnAndEndsWithOneFlush) {
  auto batches = source.partition(9, kTens, {.timeout = 1s});
  auto out = batches.sink_to_vector();
  batches.flatten().filter([](int x) { return x >= 10; }).map([](int x) { return x - 10; }).connect(source);
  source.emit(25);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(25), ElementsAre(15), ElementsAre(5)));
  EXPECT_EQ(loop.elapsed(), 3s);
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values().back(), ElementsAre(1));
}

TEST_F(KeyedPartition, InACycleBehindAnAwaitableFunctionGoesOn) {
  auto batches = source.partition(9, kTens, {.timeout = 1s});
  auto out = batches.sink_to_vector();
  batches.flatten()
      .filter([](int x) { return x >= 10; })
      .map([this](int x) -> asio::awaitable<int> {
        co_await pass_time(loop, 5s);
        co_return x - 10;
      })
      .connect(source);
  source.emit(25);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(25), ElementsAre(15), ElementsAre(5)));
}

TEST_F(KeyedPartition, ReleasesWhatItHasWhenItsGraphGoes) {
  Tokens tokens;
  {
    Stream<int> gone(loop);
    gone.partition(9, kTens, {.timeout = 1s}).sink([](const std::vector<int>&) {});
    gone.emit(1, tokens(1));
  }
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  loop.advance(5s);  // the clock finds nothing left
}

}  // namespace
}  // namespace penstock
