#include "tests/runtime/join_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(UnionWith, EmitsAllElementsInTheOrderInWhichTheyCome) {
  Stream<int> a;
  Stream<int> b;
  Stream<int> c;
  auto out = a.union_with(b, c).sink_to_vector();
  a.emit(1);
  c.emit(2);
  b.emit(3);
  a.emit(4);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3, 4));
}

TEST(UnionWith, IsAlsoCalledMerge) {
  Stream<int> a;
  Stream<int> b;
  auto both = a.merge(b);
  EXPECT_EQ(both.name(), "union");
  auto out = both.sink_to_vector();
  b.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(UnionWith, TakesSourcesAndElementsThatCannotBeCopied) {
  std::vector<std::unique_ptr<int>> none;
  Stream<std::unique_ptr<int>> a;
  Stream<std::unique_ptr<int>> b;
  int sum = 0;
  a.union_with(b).sink([&sum](std::unique_ptr<int> x) { sum += *x; });
  a.emit(std::make_unique<int>(1));
  b.emit(std::make_unique<int>(2));
  EXPECT_EQ(sum, 3);

  const auto numbers = from_iterable(std::vector{1, 2});
  Stream<int> more;
  auto out = more.union_with(numbers).sink_to_vector();
  numbers.start();
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

TEST(UnionWith, EndsWhenAllHaveEnded) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.union_with(b).partition(10).sink_to_vector();
  a.emit(1);
  a.close();
  b.emit(2);
  EXPECT_THAT(out.values(), IsEmpty());
  b.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(UnionWith, ADisconnectedInputIsNotWaitedFor) {
  Stream<int> a;
  Stream<int> b;
  auto both = a.union_with(b);
  auto out = both.partition(10).sink_to_vector();
  b.disconnect(both);
  a.emit(1);
  a.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(UnionWith, OfStreamsThatHaveEndedEndsAtOnce) {
  Stream<int> a;
  Stream<int> b;
  a.close();
  b.close();
  bool ended = false;
  a.union_with(b).attach<EndNode<int>>([&] { ended = true; });
  EXPECT_TRUE(ended);
}

TEST(UnionWith, WithAStreamThatHasEndedEndsWithTheOther) {
  Stream<int> a;
  Stream<int> b;
  a.close();
  auto out = a.union_with(b).partition(10).sink_to_vector();
  b.emit(1);
  EXPECT_THAT(out.values(), IsEmpty());
  b.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(UnionWith, WhoseLastOpenInputIsDisconnectedWaitsForAnotherOrForClose) {
  Stream<int> a;
  Stream<int> b;
  Stream<int> c;
  auto both = a.union_with(b);
  auto out = both.partition(10).sink_to_vector();
  b.emit(1);
  a.close();
  b.disconnect(both);
  EXPECT_THAT(out.values(), IsEmpty());
  c.connect(both);
  c.emit(2);
  c.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(UnionWith, ThatNobodyFeedsAnyMoreIsEndedByClose) {
  Stream<int> a;
  Stream<int> b;
  auto both = a.union_with(b);
  auto out = both.partition(10).sink_to_vector();
  b.emit(1);
  a.close();
  b.disconnect(both);
  both.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(UnionWith, KeepsTheTokenOfEachElement) {
  NumberedTokens tokens;
  Stream<int> a;
  Stream<int> b;
  auto out = a.union_with(b).partition(2).sink_to_vector();
  a.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), IsEmpty());
  b.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
}

TEST(UnionWith, OfGraphsOnDifferentLoopsIsRefused) {
  VirtualLoop one;
  VirtualLoop two;
  Stream<int> a(one);
  Stream<int> b(two);
  EXPECT_THROW(a.union_with(b), LoopError);
}

}  // namespace
}  // namespace penstock
