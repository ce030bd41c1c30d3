#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(SlidingWindow, EmitsTheLastNForEachElement) {
  Stream<int> source;
  auto out = source.sliding_window(2).sink_to_vector();
  for (int x = 1; x <= 4; ++x) source.emit(x);
  EXPECT_THAT(out.values(),
              ElementsAre(ElementsAre(1), ElementsAre(1, 2), ElementsAre(2, 3), ElementsAre(3, 4)));
}

TEST(SlidingWindow, WithoutPartialOnesWaitsForN) {
  Stream<std::string> source;
  auto out = source.sliding_window(3, false).sink_to_vector();
  for (const char* word : {"a", "b", "c", "d"}) source.emit(word);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("b", "c", "d")));
}

TEST(SlidingWindow, OfNoneIsRefused) {
  Stream<int> source;
  EXPECT_THROW(source.sliding_window(0), Error);
}

TEST(SlidingWindow, TheEndEmitsNothing) {
  Stream<int> source;
  auto out = source.sliding_window(3, false).sink_to_vector();
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(SlidingWindow, IsNotCopiedWhenNobodyKeepsIt) {
  Stream<ThrowsOnCopy> source;
  std::size_t size = 0;
  source.sliding_window(2).sink(
      [&size](const std::vector<ThrowsOnCopy>& window) { size = window.size(); });
  source.emit(ThrowsOnCopy(1));
  source.emit(ThrowsOnCopy(2));
  ThrowsOnCopy::copies_left = 5;
  source.emit(ThrowsOnCopy(3));
  EXPECT_GE(ThrowsOnCopy::copies_left, 3);  // the element's own, not those of the window
  ThrowsOnCopy::copies_left = 0;
  EXPECT_EQ(size, 2U);
}

TEST(SlidingWindow, LeavesOutAnElementThatCannotBeCopied) {
  Stream<ThrowsOnCopy> source;
  std::vector<int> last;
  source.sliding_window(2).sink([&last](const std::vector<ThrowsOnCopy>& window) {
    last.clear();
    for (const auto& element : window) last.push_back(element.value);
  });
  source.emit(ThrowsOnCopy(1));
  source.emit(ThrowsOnCopy(2));
  const ThrowsOnCopy element(3);
  ThrowsOnCopy::copies_left = 2;  // the first makes the argument of emit()
  EXPECT_THROW(source.emit(element), std::runtime_error);
  ThrowsOnCopy::copies_left = 0;
  source.emit(ThrowsOnCopy(4));
  EXPECT_THAT(last, ElementsAre(2, 4));
}

TEST(SlidingWindow, InACycleAWindowStaysWhileItIsRead) {
  Stream<int> source;
  auto windows = source.sliding_window(2);
  windows.sink([&source](const std::vector<int>& window) {
    if (window.back() < 3) source.emit(window.back() + 1);
  });
  auto out = windows.sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(2, 3), ElementsAre(1, 2), ElementsAre(1)));
}

TEST(SlidingWindow, HoldsTheTokensOfItsElements) {
  std::vector<int> released;
  std::vector<std::size_t> released_at;
  Stream<int> source;
  source.sliding_window(2, false).sink([&](const std::vector<int>&) {
    released_at.push_back(released.size());
  });
  for (int x = 1; x <= 4; ++x) source.emit(x, Token([&released, x] { released.push_back(x); }));
  EXPECT_THAT(released_at, ElementsAre(0U, 0U, 1U));
  EXPECT_THAT(released, ElementsAre(1, 2));
  source.close();
  EXPECT_THAT(released, ::testing::UnorderedElementsAre(1, 2, 3, 4));
}

TEST(SlidingWindow, ThatIsInABufferHoldsItsTokens) {
  VirtualLoop loop;
  std::vector<int> released;
  Stream<int> source(loop);
  source.sliding_window(1).delay(1s).sink([](const std::vector<int>&) {});
  source.emit(1, Token([&released] { released.push_back(1); }));
  source.emit(2);
  EXPECT_THAT(released, IsEmpty());
  loop.advance(1s);
  EXPECT_THAT(released, ElementsAre(1));
}

}  // namespace
}  // namespace penstock
