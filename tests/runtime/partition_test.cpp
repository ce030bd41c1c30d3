#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Partition, EmitsBatchesOfN) {
  Stream<int> source;
  auto out = source.partition(2).sink_to_vector();
  for (int x = 0; x < 5; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
}

TEST(Partition, OfOneWrapsEachElement) {
  Stream<int> source;
  auto out = source.partition(1).sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1), ElementsAre(2)));
}

TEST(Partition, OfNoneIsRefused) {
  Stream<int> source;
  EXPECT_THROW(source.partition(0), Error);
}

TEST(Partition, FlushesTheRestAtTheEnd) {
  Stream<int> source;
  auto out = source.partition(3).sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3)));
}

TEST(Partition, EmitsNothingAtTheEndWhenNothingIsLeft) {
  Stream<int> source;
  auto out = source.partition(2).sink_to_vector();
  source.emit(1);
  source.emit(2);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(Partition, TimeoutCountsFromTheFirstElementOfABatch) {
  VirtualLoop loop;
  Stream<int> source;
  auto out = source.partition(10, {.timeout = 2s, .loop = loop}).sink_to_vector();
  loop.advance(5s);
  source.emit(1);
  loop.advance(1500ms);
  source.emit(2);
  EXPECT_THAT(out.values(), IsEmpty());
  loop.advance(500ms);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
  loop.advance(10s);
  EXPECT_THAT(out.values(), ::testing::SizeIs(1));
}

TEST(Partition, AFullBatchStopsTheClock) {
  VirtualLoop loop;
  Stream<int> source;
  auto out = source.partition(2, {.timeout = 2s, .loop = loop}).sink_to_vector();
  source.emit(1);
  loop.advance(1s);
  source.emit(2);
  source.emit(3);
  loop.advance(1500ms);  // past the first clock, not past that of the second batch
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
  loop.advance(500ms);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST(Partition, OnlyTheEmitThatCompletesABatchWaits) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.partition(2).sink(
      [&](const std::vector<int>&) -> asio::awaitable<void> { co_await pass_time(loop, 3s); });
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST(Partition, DrainWaitsForTheTimeoutAndForTheSinkBehindIt) {
  VirtualLoop loop;
  Stream<int> source;
  int done = 0;
  source.partition(10, {.timeout = 2s, .loop = loop})
      .sink([&](const std::vector<int>&) -> asio::awaitable<void> {
        co_await pass_time(loop, 3s);
        ++done;
      });
  source.emit(1);
  source.drain();
  EXPECT_EQ(loop.elapsed(), 5s);
  EXPECT_EQ(done, 1);
}

TEST(Partition, DrainDoesNotWaitForAPartialBatchWithoutTimeout) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.partition(10).sink_to_vector();
  source.emit(1);
  source.drain();
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Partition, ReportsWhatABatchThatTimedOutRaised) {
  VirtualLoop loop;
  Stream<int> source;
  source.partition(10, {.timeout = 2s, .loop = loop}).sink([](const std::vector<int>&) {
    throw std::runtime_error("batch");
  });
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST(Partition, AnElementThatCannotBeCopiedIsNotInFlight) {
  VirtualLoop loop;
  Stream<ThrowsOnCopy> source;
  auto out = source.partition(10, {.timeout = 2s, .loop = loop})
                 .map([](const std::vector<ThrowsOnCopy>& batch) { return batch.size(); })
                 .sink_to_vector();
  const ThrowsOnCopy element(1);
  Outcome outcome;
  source.async_emit(element, outcome.token());
  ThrowsOnCopy::copies_left = 1;
  loop.run_pending();
  ThrowsOnCopy::copies_left = 0;
  EXPECT_EQ(outcome.error(), "copy failed");
  source.drain();
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Partition, EmitWaitsWhileABatchThatTimedOutIsDelivered) {
  VirtualLoop loop;
  Gate gate;
  Stream<int> source(loop);
  std::vector<std::vector<int>> out;
  source.partition(10, {.timeout = 2s}).sink([&](const std::vector<int>& batch) -> asio::awaitable<void> {
    co_await gate.pass();
    out.push_back(batch);
  });
  source.emit(1);
  loop.advance(2s);
  Outcome second;
  source.async_emit(2, second.token());
  loop.advance(2s);  // the second batch is due too, and waits for the first
  EXPECT_FALSE(second.done());
  Outcome third;
  source.async_emit(3, third.token());
  loop.run_pending();
  gate.open_for_one();
  loop.run_pending();
  EXPECT_TRUE(second.done());
  EXPECT_TRUE(third.done());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(out, ElementsAre(ElementsAre(1), ElementsAre(2, 3)));
  source.drain();
}

TEST(Partition, AFullBatchIsNotHeldUpByOneThatTimedOut) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<std::vector<int>> out;
  Gate gate;
  source.partition(2, {.timeout = 1s}).sink([&](const std::vector<int>& batch) -> asio::awaitable<void> {
    co_await gate.pass();
    out.push_back(batch);
  });
  source.emit(1);
  loop.advance(1s);
  source.async_emit(2, asio::detached);
  source.async_emit(3, asio::detached);
  loop.advance(5s);  // its clock was stopped
  for (int batch = 0; batch < 2; ++batch) {
    gate.open_for_one();
    loop.run();
  }
  EXPECT_THAT(out, ElementsAre(ElementsAre(1), ElementsAre(2, 3)));
}

TEST(Partition, InACycleABatchThatTimedOutMayBringElementsBack) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<std::vector<int>> out;
  source.partition(10, {.timeout = 1s}).sink([&](const std::vector<int>& batch) {
    out.push_back(batch);
    if (batch.front() < 3) source.async_emit(batch.front() + 1, asio::detached);
  });
  source.emit(1);
  loop.run();
  EXPECT_THAT(out, ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(3)));
  source.drain();
}

}  // namespace
}  // namespace penstock
