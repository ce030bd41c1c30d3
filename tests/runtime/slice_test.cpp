#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// What slice(arguments...) makes of 0, 1, ... 9.
template <class... Arguments>
std::vector<int> sliced(Arguments... arguments) {
  Stream<int> source;
  auto out = source.slice(arguments...).sink_to_vector();
  for (int x = 0; x < 10; ++x) source.emit(x);
  return out.values();
}

TEST(Slice, LeavesOutTheFirst) { EXPECT_THAT(sliced(7), ElementsAre(7, 8, 9)); }

TEST(Slice, EndsBeforeItsEnd) { EXPECT_THAT(sliced(2, 5), ElementsAre(2, 3, 4)); }

TEST(Slice, CountsItsStepsFromTheStart) {
  EXPECT_THAT(sliced(1, std::nullopt, 3), ElementsAre(1, 4, 7));
  EXPECT_THAT(sliced(2, 9, 3), ElementsAre(2, 5, 8));
  EXPECT_THAT(sliced(2, 8, 3), ElementsAre(2, 5));
}

TEST(Slice, ThatEndsBeforeItStartsYieldsNothing) {
  EXPECT_THAT(sliced(0, 0), IsEmpty());
  EXPECT_THAT(sliced(5, 5), IsEmpty());
  EXPECT_THAT(sliced(5, 2), IsEmpty());
}

TEST(Slice, OfEverythingPassesEverything) { EXPECT_EQ(sliced(0).size(), 10u); }

TEST(Slice, StepsOverTheWholeStream) { EXPECT_THAT(sliced(3, std::nullopt, 100), ElementsAre(3)); }

TEST(Slice, OfStepZeroIsRefused) {
  Stream<int> source;
  EXPECT_THROW(source.slice(0, 5, 0), Error);
}

TEST(Slice, EndsDownstreamWithItsEnd) {
  Stream<int> source;
  auto out = source.slice(0, 5).partition(3).sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  EXPECT_EQ(out.values().size(), 1u);
  source.emit(4);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4)));
  source.emit(5);
  source.close();
  EXPECT_EQ(out.values().size(), 2u);
}

TEST(Slice, EndsDownstreamWithItsEndEvenWhenTheStepLeavesThatElementOut) {
  Stream<int> source;
  auto out = source.slice(0, 3, 2).partition(5).sink_to_vector();
  for (int x = 0; x < 2; ++x) source.emit(x);
  EXPECT_THAT(out.values(), IsEmpty());
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 2)));
}

TEST(Slice, EndsWithTheStreamWhenThatIsShorter) {
  Stream<int> source;
  auto out = source.slice(0, 5).partition(3).sink_to_vector();
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Slice, KeepsBackPressure) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.slice(1, std::nullopt, 2).rate_limit(1s).sink([](int) {});
  for (int x = 0; x < 6; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 2s);
}

TEST(Slice, TheEmitThatEndsItWaitsForTheFlush) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.slice(0, 2).partition(5).sink(
      [&](const std::vector<int>&) -> asio::awaitable<void> { co_await pass_time(loop, 3s); });
  source.emit(0);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST(Slice, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  Stream<int> source;
  source.slice(1, 3).collect().sink([](const std::vector<int>&) {});
  source.emit(0, tokens(0));
  EXPECT_THAT(tokens.released(), ElementsAre(0));
  source.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), ElementsAre(0));
  source.emit(2, tokens(2));  // the end: flushed
  source.emit(3, tokens(3));
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(0, 1, 2, 3));
}

TEST(Slice, RaisesWhatTheFlushRaises) {
  Stream<int> source;
  source.slice(0, 2).partition(5).sink(
      [](const std::vector<int>&) { throw std::runtime_error("flush"); });
  EXPECT_NO_THROW(source.emit(0));
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_NO_THROW(source.emit(2));
}

TEST(Slice, EndsACycleBehindItsLastElement) {
  Stream<int> source;
  auto first = source.slice(0, 4);
  first.map([](int x) { return x + 1; }).connect(source);
  auto out = first.partition(10).sink_to_vector();
  source.emit(0);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(3, 2, 1, 0)));  // depth first
}

TEST(Slice, PassesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  int sum = 0;
  source.slice(1).sink([&sum](const std::unique_ptr<int>& p) { sum += *p; });
  for (int x : {1, 2, 4}) source.emit(std::make_unique<int>(x));
  EXPECT_EQ(sum, 6);
}

}  // namespace
}  // namespace penstock
