#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

const auto kByTens = [](int x) { return x / 10; };

TEST(PartitionUnique, EmitsBatchesOfNDistinctElements) {
  Stream<int> source;
  auto out = source.partition_unique(3).sink_to_vector();
  for (int x : {1, 2, 1, 3, 1, 3, 1, 2}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2, 3), ElementsAre(1, 3, 2)));
}

TEST(PartitionUnique, KeepsTheFirstOfAKey) {
  Stream<int> source;
  auto out = source.partition_unique(3, kByTens).sink_to_vector();
  for (int x : {10, 20, 11, 30}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10, 20, 30)));
}

TEST(PartitionUnique, KeepsTheLastOfAKeyWhichMovesToTheEnd) {
  Stream<int> source;
  auto out = source.partition_unique(3, kByTens, Keep::kLast).sink_to_vector();
  for (int x : {10, 20, 11, 12, 30}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(20, 12, 30)));
}

TEST(PartitionUnique, NeedsNoKeyFunctionToKeepTheLast) {
  Stream<std::string> source;
  auto out = source.partition_unique(2, {}, Keep::kLast).sink_to_vector();
  for (const char* x : {"a", "a", "b"}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre("a", "b")));
}

TEST(PartitionUnique, OfOneWrapsEachElement) {
  Stream<int> source;
  auto out = source.partition_unique(1).sink_to_vector();
  for (int x : {1, 1}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1), ElementsAre(1)));
}

TEST(PartitionUnique, OfNoneIsRefused) {
  Stream<int> source;
  EXPECT_THROW(source.partition_unique(0), Error);
}

TEST(PartitionUnique, FlushesTheRestAtTheEnd) {
  Stream<int> source;
  auto out = source.partition_unique(3).sink_to_vector();
  for (int x : {1, 2, 2}) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(PartitionUnique, ReleasesTheTokenOfWhatItDropsAtOnceAndJoinsTheOthers) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    Tokens tokens;
    Stream<int> source;
    std::size_t released = 0;
    source.partition_unique(2, kByTens, keep).sink([&](const std::vector<int>&) {
      released = tokens.released().size();
    });
    source.emit(10, tokens(1));
    source.emit(11, tokens(2));
    EXPECT_THAT(tokens.released(), ElementsAre(keep == Keep::kFirst ? 2 : 1));
    source.emit(20, tokens(3));
    EXPECT_EQ(released, 1u);
    EXPECT_EQ(tokens.released().size(), 3u);
  }
}

TEST(PartitionUnique, OnlyTheEmitThatCompletesABatchWaits) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.partition_unique(2).sink(
      [&](const std::vector<int>&) -> asio::awaitable<void> { co_await pass_time(loop, 3s); });
  for (int x : {1, 1}) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST(PartitionUnique, AFailingKeyObeysThePolicy) {
  const auto picky = [](int x) {
    if (x == 13) throw std::runtime_error("unlucky");
    return x;
  };
  Stream<int> source;
  auto out = source.partition_unique(2, picky).sink_to_vector();
  source.emit(1);
  EXPECT_THROW(source.emit(13), std::runtime_error);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(PartitionUnique, PassesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  std::vector<int> out;
  source.partition_unique(2, [](const std::unique_ptr<int>& p) { return *p; }, Keep::kLast)
      .flatten()
      .sink([&out](const std::unique_ptr<int>& p) { out.push_back(*p); });
  for (int x : {1, 1, 2}) source.emit(std::make_unique<int>(x));
  EXPECT_THAT(out, ElementsAre(1, 2));
}

}  // namespace
}  // namespace penstock
