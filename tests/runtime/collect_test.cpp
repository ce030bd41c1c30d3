#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Collect, KeepsEverythingUntilItIsFlushed) {
  Stream<int> source;
  auto collected = source.collect();
  auto out = collected.sink_to_vector();
  for (int x : {1, 2}) source.emit(x);
  EXPECT_THAT(out.values(), IsEmpty());
  collected.flush();
  source.emit(3);
  collected.flush();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST(Collect, FlushesNothingAsAnEmptyVector) {
  Stream<int> source;
  auto collected = source.collect();
  auto out = collected.sink_to_vector();
  collected.flush();
  EXPECT_THAT(out.values(), ElementsAre(IsEmpty()));
}

TEST(Collect, TheEndFlushesWhatIsLeft) {
  Stream<int> source;
  auto collected = source.collect();
  auto out = collected.sink_to_vector();
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
  collected.flush();
  EXPECT_EQ(out.values().size(), 1u);
}

TEST(Collect, TheEndOfAnEmptyOneEmitsNothing) {
  Stream<int> source;
  auto out = source.collect().sink_to_vector();
  source.close();
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Collect, IsAStreamLikeAnyOther) {
  Stream<int> source;
  auto collected = source.collect();
  Stream<std::vector<int>> handle = collected;
  handle.named("basket");
  EXPECT_EQ(collected.name(), "basket");
  auto out = collected.flatten().sink_to_vector();
  source.emit(1);
  collected.flush();
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Collect, FlushWaitsAndThrowsLikeEmit) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto collected = source.collect();
  collected.sink([&loop](const std::vector<int>& all) -> asio::awaitable<void> {
    co_await pass_time(loop, 3s);
    if (all.size() > 1) throw std::runtime_error("too many");
  });
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 0s);
  collected.flush();
  EXPECT_EQ(loop.elapsed(), 3s);
  source.emit(2);
  source.emit(3);
  EXPECT_THROW(collected.flush(), std::runtime_error);
  EXPECT_NO_THROW(source.drain());
}

TEST(Collect, AsyncFlushCompletesWhenTheVectorHasLeft) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto collected = source.collect();
  Gate gate;
  collected.sink([&gate](const std::vector<int>&) -> asio::awaitable<void> { co_await gate.pass(); });
  source.emit(1);
  Outcome outcome;
  collected.async_flush(outcome.token());
  loop.run_pending();
  EXPECT_FALSE(outcome.done());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_TRUE(outcome.done());
}

TEST(Collect, FlushOnItsOwnLoopIsRefused) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto collected = source.collect();
  collected.sink([](const std::vector<int>&) {});
  std::string error;
  asio::post(loop.executor(), [&] {
    try {
      collected.flush();
    } catch (const LoopError& e) {
      error = e.what();
    }
  });
  loop.run_pending();
  EXPECT_THAT(error, ::testing::HasSubstr("async_flush()"));
}

TEST(Collect, AnotherStreamMayFlushIt) {
  Stream<int> source;
  Stream<int> ticks;
  auto collected = source.collect();
  auto out = collected.sink_to_vector();
  ticks.sink([&collected](int) { collected.flush(); });
  source.emit(1);
  ticks.emit(0);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Collect, JoinsTheTokens) {
  Tokens tokens;
  Stream<int> source;
  auto collected = source.collect();
  bool held = false;
  collected.sink([&](const std::vector<int>&) { held = tokens.released().empty(); });
  source.emit(1, tokens(1));
  source.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), IsEmpty());
  collected.flush();
  EXPECT_TRUE(held);
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
}

TEST(Collect, WhatACycleBringsBackWaitsForTheNextFlush) {
  Stream<int> source;
  auto collected = source.collect();
  auto out = collected.sink_to_vector();
  collected.flatten().filter([](int x) { return x > 0; }).map([](int x) { return x - 1; }).connect(source);
  source.emit(2);
  for (int i = 0; i < 3; ++i) collected.flush();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(2), ElementsAre(1), ElementsAre(0)));
}

TEST(Collect, KeepsThePipelineAliveByItsHandle) {
  Tokens tokens;
  {
    std::optional<Collected<int>> collected;
    {
      Stream<int> source;
      collected = source.collect();
      source.emit(1, tokens(1));
    }
    auto out = collected->sink_to_vector();
    collected->flush();
    EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
  }
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(Collect, TakesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  auto collected = source.collect();
  std::size_t size = 0;
  collected.sink([&size](const std::vector<std::unique_ptr<int>>& all) { size = all.size(); });
  for (int x : {1, 2}) source.emit(std::make_unique<int>(x));
  collected.flush();
  EXPECT_EQ(size, 2u);
}

}  // namespace
}  // namespace penstock
