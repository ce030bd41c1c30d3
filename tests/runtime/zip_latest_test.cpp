#include "tests/runtime/join_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(ZipLatest, EmitsEveryElementOfTheFirstWithTheLatestOfTheOthers) {
  Stream<int> in;
  Stream<int> a;
  auto out = in.zip_latest(a).sink_to_vector();
  in.emit(1);
  in.emit(2);
  EXPECT_THAT(out.values(), IsEmpty());
  a.emit(10);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10), tuple(2, 10)));
  a.emit(20);
  a.emit(30);
  in.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10), tuple(2, 10), tuple(3, 30)));
}

TEST(ZipLatest, WaitsForAllTheOthers) {
  Stream<int> in;
  Stream<int> a;
  Stream<int> b;
  auto out = in.zip_latest(a, b).sink_to_vector();
  in.emit(1);
  a.emit(10);
  EXPECT_THAT(out.values(), IsEmpty());
  b.emit(100);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10, 100)));
}

TEST(ZipLatest, MovesElementsOfTheFirstThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> in;
  Stream<int> a;
  int sum = 0;
  in.zip_latest(a).sink(
      [&sum](std::tuple<std::unique_ptr<int>, int> x) { sum += *std::get<0>(x) + std::get<1>(x); });
  in.emit(std::make_unique<int>(1));
  a.emit(10);
  in.emit(std::make_unique<int>(2));
  EXPECT_EQ(sum, 23);
}

TEST(ZipLatest, WithoutALoopTooManyThatWaitFail) {
  Stream<int> in;
  Stream<int> a;
  auto out = in.zip_latest(a, ZipOptions{.maxsize = 2}).sink_to_vector();
  in.emit(1);
  in.emit(2);
  EXPECT_THROW(in.emit(3), Error);
  a.emit(10);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10), tuple(2, 10)));
}

TEST(ZipLatest, WithALoopTheEmitWaits) {
  VirtualLoop loop;
  Stream<int> in(loop);
  Stream<int> a(loop);
  auto out = in.zip_latest(a, ZipOptions{.maxsize = 1}).sink_to_vector();
  std::vector<Outcome> emits(3);
  for (int x = 0; x < 3; ++x) in.async_emit(x, emits[static_cast<std::size_t>(x)].token());
  loop.run_pending();
  EXPECT_TRUE(emits[0].done());
  EXPECT_FALSE(emits[1].done());
  a.emit(10);
  loop.run_pending();
  EXPECT_TRUE(emits[1].done() && emits[2].done());
  EXPECT_THAT(out.values(), ElementsAre(tuple(0, 10), tuple(1, 10), tuple(2, 10)));
}

TEST(ZipLatest, HoldsTokensUntilTheyAreEmittedOrReplaced) {
  NumberedTokens tokens;
  Stream<int> in;
  Stream<int> a;
  in.zip_latest(a).sink([](const auto&) {});
  in.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), IsEmpty());
  a.emit(10, tokens(10));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  a.emit(20, tokens(20));
  EXPECT_THAT(tokens.released(), ElementsAre(1, 10));
}

TEST(ZipLatest, EndsWhenTheFirstHasEndedAndNothingOfItIsLeft) {
  Stream<int> in;
  Stream<int> a;
  auto out = in.zip_latest(a).partition(5).sink_to_vector();
  in.emit(1);
  in.close();
  EXPECT_THAT(out.values(), IsEmpty());
  a.emit(10);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(tuple(1, 10))));
}

TEST(ZipLatest, EndsWhenAnotherEndsWithoutAValue) {
  NumberedTokens tokens;
  Stream<int> in;
  Stream<int> a;
  auto out = in.zip_latest(a).partition(5);
  in.emit(1, tokens(1));
  a.close();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  in.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
}

TEST(ZipLatest, TheEndOfAnotherWithAValueChangesNothing) {
  Stream<int> in;
  Stream<int> a;
  auto out = in.zip_latest(a).sink_to_vector();
  a.emit(10);
  a.close();
  in.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10)));
}

TEST(ZipLatest, InACycleEmitsWhatComesBackBehindWhatWaits) {
  Stream<int> in;
  Stream<int> a;
  auto both = in.zip_latest(a);
  auto out = both.sink_to_vector();
  both.map([](const std::tuple<int, int>& x) { return std::get<0>(x); })
      .filter([](int x) { return x < 10; })
      .map([](int x) { return x + 10; })
      .connect(in);
  in.emit(1);
  in.emit(2);
  a.emit(0);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 0), tuple(2, 0), tuple(11, 0), tuple(12, 0)));
}

TEST(ZipLatest, OfGraphsOnDifferentLoopsIsRefused) {
  VirtualLoop one;
  VirtualLoop two;
  Stream<int> a(one);
  Stream<int> b(two);
  EXPECT_THROW(a.zip_latest(b), LoopError);
}

}  // namespace
}  // namespace penstock
