// Tokens: when the last trace of an element is gone.
#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Token, RunsItsCallbackOnceWhenTheLastCopyGoes) {
  int runs = 0;
  {
    Token token([&runs] { ++runs; });
    Token copy = token;
    Token moved = std::move(token);
    copy = moved;
    moved = {};
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
}

TEST(Token, OfAJoinHoldsAllItsParts) {
  Tokens tokens;
  Token joined = Token::join({tokens(1), Token(), tokens(2)});
  Token more = Token::join(joined, tokens(3));
  joined = {};
  EXPECT_THAT(tokens.released(), IsEmpty());
  more = {};
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2, 3));
}

TEST(Token, OfNothingIsNone) {
  EXPECT_FALSE(Token());
  EXPECT_FALSE(Token::join({}));
  EXPECT_FALSE(Token::join(Token(), Token()));
}

TEST(Token, IsReleasedBeforeAnEmitWithoutALoopReturns) {
  Tokens tokens;
  Stream<int> source;
  bool held = false;
  source.map([](int x) { return x + 1; }).sink([&](int) { held = tokens.released().empty(); });
  source.emit(1, tokens(1));
  EXPECT_TRUE(held);
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(Token, IsReleasedAtOnceWhenItsElementIsDropped) {
  Tokens tokens;
  Stream<int> source;
  source.filter([](int x) { return x > 0; })
      .map([](int x) {
        if (x == 1) throw std::runtime_error("one");
        return x;
      })
      .on_error(ErrorPolicy::skip())
      .partition(10)
      .sink([](const std::vector<int>&) {});
  source.emit(0, tokens(0));  // filtered
  EXPECT_THAT(tokens.released(), ElementsAre(0));
  source.emit(1, tokens(1));  // failed
  EXPECT_THAT(tokens.released(), ElementsAre(0, 1));
  source.emit(2, tokens(2));  // waits in the partition
  EXPECT_THAT(tokens.released(), ElementsAre(0, 1));
}

TEST(Token, IsHeldByEveryBranch) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<int> source(loop);
  source.delay(1s).sink([](int) {});
  source.delay(2s).sink([](int) {});
  source.emit(1, tokens(1));
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), IsEmpty());
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(Token, IsHeldWhileItsElementWaitsInABuffer) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<int> source(loop);
  Gate gate;
  source.buffer(10).sink([&gate](int) -> asio::awaitable<void> { co_await gate.pass(); });
  for (int x = 0; x < 3; ++x) source.emit(x, tokens(x));
  loop.run_pending();
  EXPECT_THAT(tokens.released(), IsEmpty());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(tokens.released(), ElementsAre(0));
  for (int x = 1; x < 3; ++x) {
    gate.open_for_one();
    loop.run_pending();
  }
  EXPECT_THAT(tokens.released(), ElementsAre(0, 1, 2));
}

TEST(Token, IsHeldByARateLimitUntilItsElementHasLeft) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<int> source(loop);
  source.rate_limit(1s).sink([](int) {});
  Outcome first;
  Outcome second;
  source.async_emit(1, tokens(1), first.token());
  source.async_emit(2, tokens(2), second.token());
  loop.run_pending();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  EXPECT_TRUE(second.done());
}

TEST(Token, OfAWindowIsThatOfAllItsElements) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<int> source(loop);
  Gate gate;
  source.timed_window(1s).sink(
      [&gate](const std::vector<int>&) -> asio::awaitable<void> { co_await gate.pass(); });
  source.emit(1, tokens(1));
  source.emit(2, tokens(2));
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), IsEmpty());
  gate.open_for_one();
  loop.run_pending();
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
}

TEST(Token, OfAPartitionIsThatOfAllItsElements) {
  Tokens tokens;
  Stream<int> source;
  bool held = false;
  source.partition(2).sink([&](const std::vector<int>&) { held = tokens.released().empty(); });
  source.emit(1, tokens(1));
  source.emit(2, tokens(2));
  EXPECT_TRUE(held);
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
  source.emit(3, tokens(3));
  source.close();
  EXPECT_EQ(tokens.released().back(), 3);
}

TEST(Token, GoesWithTheLastItemOfAFlattenedElement) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<std::vector<int>> source(loop);
  std::vector<std::size_t> released_at;
  source.flatten().buffer(10).sink([&](int) { released_at.push_back(tokens.released().size()); });
  source.emit({1, 2, 3}, tokens(1));
  loop.run_pending();
  EXPECT_THAT(released_at, ElementsAre(0U, 0U, 0U));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  source.emit({}, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
}

TEST(Token, GoesWithAnErrorToItsDeadLetter) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<int> source(loop);
  Stream<Failure> errors;
  errors.delay(1s, {.loop = loop}).sink([](const Failure&) {});
  source.sink([](int) { throw std::runtime_error("always"); })
      .on_error(ErrorPolicy::dead_letter(errors));
  source.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), IsEmpty());
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(Token, IsReleasedBeforeADrainReturns) {
  LoopThread loop;
  Stream<int> source(loop);
  source.buffer(100).sink([](int) {});
  std::atomic<int> released{0};
  for (int round = 0; round < 50; ++round) {
    source.emit(round, Token([&released] { ++released; }));
    source.drain();
    EXPECT_EQ(released, round + 1);
  }
}

TEST(Token, IsReleasedWhenItsGraphIsDestroyed) {
  Tokens tokens;
  {
    VirtualLoop loop;
    Stream<int> source(loop);
    source.delay(1h).sink([](int) {});
    source.emit(1, tokens(1));
    EXPECT_THAT(tokens.released(), IsEmpty());
  }
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

}  // namespace
}  // namespace penstock
