#include <limits>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Unique, PassesTheFirstOfEachAndDropsTheOthers) {
  Stream<int> source;
  auto out = source.unique().sink_to_vector();
  for (int x : {1, 2, 1, 3, 2, 1}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Unique, ComparesKeysWhereAFunctionMakesThem) {
  Stream<std::string> source;
  auto out = source.unique({}, &std::string::size).sink_to_vector();
  for (const char* x : {"a", "bb", "c", "ddd"}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre("a", "bb", "ddd"));
}

TEST(Unique, TakesKeysThatHaveAnOrderOnly) {
  Stream<std::pair<int, int>> source;
  auto out = source.unique().sink_to_vector();
  for (int x : {1, 1, 2}) source.emit({x, 0});
  EXPECT_EQ(out.values().size(), 2u);
}

TEST(Unique, ForgetsTheKeyThatHasNotComeForTheLongestTime) {
  Stream<int> source;
  auto out = source.unique({.maxsize = 2}).sink_to_vector();
  for (int x : {1, 2, 1, 3, 1, 2}) source.emit(x);  // 3 displaces 2, for 1 came again
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3, 2));
}

TEST(Unique, OfOneDropsRepetitions) {
  Stream<int> source;
  auto out = source.unique({.maxsize = 1}).sink_to_vector();
  for (int x : {1, 1, 2, 2, 1}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 1));
}

TEST(Unique, OfNoSizeIsRefused) {
  Stream<int> source;
  EXPECT_THROW(source.unique({.maxsize = 0}), Error);
}

TEST(Unique, MovesAnElementOnWithItsKeyIntact) {
  Stream<std::string> source;
  auto out = source.unique({.maxsize = 10}).sink_to_vector();
  const std::string word = "a word that does not fit into the string itself";
  for (int i = 0; i < 3; ++i) source.emit(word);
  EXPECT_THAT(out.values(), ElementsAre(word));
}

TEST(Unique, PassesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  std::vector<int> out;
  source.unique({}, [](const std::unique_ptr<int>& p) { return *p; })
      .sink([&out](const std::unique_ptr<int>& p) { out.push_back(*p); });
  for (int x : {1, 1, 2}) source.emit(std::make_unique<int>(x));
  EXPECT_THAT(out, ElementsAre(1, 2));
}

TEST(Unique, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  Stream<int> source;
  source.unique().partition(10).sink([](const std::vector<int>&) {});
  source.emit(1, tokens(1));
  source.emit(1, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(2));
}

TEST(Unique, KeepsBackPressureForWhatPasses) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.unique().rate_limit(1s).sink_to_vector();
  for (int x : {1, 1, 1, 2, 2, 3}) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 2s);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Unique, ThePartitionBehindItIsFlushedAtTheEnd) {
  Stream<int> source;
  auto out = source.unique().partition(10).sink_to_vector();
  for (int x : {1, 1, 2}) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(Unique, AFailingKeyObeysThePolicyAndIsNotRemembered) {
  Stream<int> source;
  int failures = 2;
  const auto key = [&failures](int x) {
    if (x == 1 && failures-- > 0) throw std::runtime_error("key");
    return x;
  };
  auto out = source.unique({}, key).sink_to_vector();
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_THROW(source.emit(1), std::runtime_error);
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));

  failures = 2;
  Stream<int> trying;
  auto again = trying.unique({}, key).on_error(ErrorPolicy::retry(2)).sink_to_vector();
  trying.emit(1);
  EXPECT_THAT(again.values(), ElementsAre(1));
}

TEST(Unique, EndsACycle) {
  Stream<int> source;
  auto fresh = source.unique();
  auto out = fresh.sink_to_vector();
  fresh.map([](int x) { return (x * 3) % 7; }).connect(source);
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 2, 6, 4, 5));
}

TEST(Unique, RefusesAKeyThatDoesNotEqualItself) {
  Stream<double> source;
  auto out = source.unique({.maxsize = 1}).sink_to_vector();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(source.emit(nan), Error);
  source.emit(1);
  EXPECT_THROW(source.emit(nan), Error);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace penstock
