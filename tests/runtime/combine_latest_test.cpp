#include "tests/runtime/join_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(CombineLatest, EmitsWithEveryElementWhenAllHaveOne) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.combine_latest(b).sink_to_vector();
  a.emit(1);
  a.emit(2);
  b.emit(10);
  b.emit(20);
  a.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(tuple(2, 10), tuple(2, 20), tuple(3, 20)));
}

TEST(CombineLatest, EmitsForChosenInputsOnly) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.combine_latest(b, CombineLatestOptions{.emit_on = {1}}).sink_to_vector();
  a.emit(1);
  b.emit(10);
  a.emit(2);
  b.emit(20);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10), tuple(2, 20)));
}

TEST(CombineLatest, AnInputThatDoesNotExistIsRefused) {
  Stream<int> a;
  Stream<int> b;
  EXPECT_THROW(a.combine_latest(b, CombineLatestOptions{.emit_on = {2}}), Error);
}

TEST(CombineLatest, HoldsTheTokenOfAValueUntilItIsReplaced) {
  NumberedTokens tokens;
  Stream<int> a;
  Stream<int> b;
  a.combine_latest(b).sink([](const auto&) {});
  a.emit(1, tokens(1));
  b.emit(10, tokens(10));
  EXPECT_THAT(tokens.released(), IsEmpty());
  a.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  b.emit(20);
  EXPECT_THAT(tokens.released(), ElementsAre(1, 10));
}

TEST(CombineLatest, JoinsTheTokensOfAllValues) {
  VirtualLoop loop;
  NumberedTokens tokens;
  Stream<int> a(loop);
  Stream<int> b(loop);
  a.combine_latest(b).delay(1s).sink([](const auto&) {});
  a.emit(1, tokens(1));
  b.emit(10, tokens(10));
  a.emit(2, tokens(2));  // the tuple with the first one is on its way still
  EXPECT_THAT(tokens.released(), IsEmpty());
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(CombineLatest, EndsWhenAllInputsHaveEnded) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.combine_latest(b).partition(10).sink_to_vector();
  a.emit(1);
  a.close();
  b.emit(10);
  b.emit(20);
  EXPECT_THAT(out.values(), IsEmpty());
  b.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(tuple(1, 10), tuple(1, 20))));
}

TEST(CombineLatest, GoesOnWithTheLastValueOfADisconnectedInput) {
  Stream<int> a;
  Stream<std::string> b;
  auto both = a.combine_latest(b);
  auto out = both.partition(2).sink_to_vector();
  b.emit("x");
  b.disconnect(both);
  b.emit("y");
  a.emit(1);
  a.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(tuple(1, std::string("x")))));
}

TEST(CombineLatest, TakesAnotherStreamInPlaceOfADisconnectedOne) {
  Stream<int> a;
  Stream<std::string> b;
  Stream<std::string> c;
  auto both = a.combine_latest(b);
  auto out = both.sink_to_vector();
  b.disconnect(both);
  c.connect(both);
  a.emit(1);
  c.emit("c");
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, std::string("c"))));
}

TEST(CombineLatest, OfGraphsOnDifferentLoopsIsRefused) {
  VirtualLoop one;
  VirtualLoop two;
  Stream<int> a(one);
  Stream<int> b(two);
  EXPECT_THROW(a.combine_latest(b), LoopError);
}

TEST(CombineLatest, InACycleReadsWhatCameBack) {
  Stream<int> numbers;
  Stream<int> sums;
  auto both = numbers.combine_latest(sums, CombineLatestOptions{.emit_on = {0}});
  both.map([](const std::tuple<int, int>& x) { return std::get<0>(x) + std::get<1>(x); })
      .connect(sums);
  auto out = sums.sink_to_vector();
  sums.emit(0);
  for (int x = 1; x <= 3; ++x) numbers.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 3, 6));
}

}  // namespace
}  // namespace penstock
