#include <map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::Pair;

struct Sale {
  std::string shop;
  int amount = 0;
};

int add(int sum, const Sale& sale) { return sum + sale.amount; }

TEST(KeyedAccumulate, KeepsOneStateForEachKey) {
  Stream<Sale> source;
  auto out = source.keyed_accumulate(&Sale::shop, add, 100).sink_to_vector();
  source.emit({"a", 1});
  source.emit({"b", 5});
  source.emit({"a", 2});
  EXPECT_THAT(out.values(), ElementsAre(Pair("a", 101), Pair("b", 105), Pair("a", 103)));
}

TEST(KeyedAccumulate, AgreesWithATableForThousandsOfKeys) {
  Stream<unsigned> source;
  const auto key = [](unsigned x) { return x % 5000; };
  std::map<unsigned, long> expected;
  source.keyed_accumulate(key, [](long sum, unsigned x) { return sum + x; }, 0L)
      .sink([&](const std::pair<unsigned, long>& result) {
        EXPECT_EQ(result.second, expected[result.first]);
      });
  unsigned random = 1;
  for (int i = 0; i < 50'000; ++i) {
    random = random * 1'664'525U + 1'013'904'223U;
    const unsigned x = random >> 8;
    expected[key(x)] += x;
    source.emit(x);
  }
}

TEST(KeyedAccumulate, MayChangeItsStateInPlace) {
  Stream<Sale> source;
  using Amounts = std::vector<int>;
  const auto add_to = [](Amounts& all, const Sale& sale) { all.push_back(sale.amount); };
  auto out = source.keyed_accumulate(&Sale::shop, add_to, Amounts()).sink_to_vector();
  source.emit({"a", 1});
  source.emit({"b", 2});
  source.emit({"a", 3});
  EXPECT_THAT(out.values(), ElementsAre(Pair("a", ElementsAre(1)), Pair("b", ElementsAre(2)),
                                        Pair("a", ElementsAre(1, 3))));
}

TEST(KeyedAccumulate, DoesNotCopyAStateThatNobodyKeeps) {
  Stream<int> source;
  const auto keep = [](ThrowsOnCopy& state, int x) { state.value += x; };
  int last = 0;
  source.keyed_accumulate([](int) { return 1; }, keep, ThrowsOnCopy(0))
      .sink([&last](const std::pair<int, ThrowsOnCopy>& result) { last = result.second.value; });
  source.emit(1);
  ThrowsOnCopy::copies_left = 1;
  EXPECT_NO_THROW(source.emit(2));
  ThrowsOnCopy::copies_left = 0;
  EXPECT_EQ(last, 3);
}

TEST(KeyedAccumulate, KeepsItsStateWhenAFunctionThrows) {
  Stream<int> source;
  const auto even = [](int x) {
    if (x > 10) throw std::runtime_error("too large");
    return x % 2 == 0;
  };
  const auto sum = [](int a, int b) {
    if (b < 0) throw std::runtime_error("negative");
    return a + b;
  };
  auto out = source.keyed_accumulate(even, sum, 0).sink_to_vector();
  source.emit(1);
  EXPECT_THROW(source.emit(11), std::runtime_error);
  EXPECT_THROW(source.emit(-1), std::runtime_error);
  source.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(Pair(false, 1), Pair(false, 4)));
}

TEST(KeyedAccumulate, ForgetsTheKeyThatWasNotUsedForTheLongestTime) {
  Stream<Sale> source;
  auto out = source.keyed_accumulate(&Sale::shop, add, 0, {.max_keys = 2}).sink_to_vector();
  for (const char* shop : {"a", "b", "a", "c", "a", "b"}) source.emit({shop, 1});
  EXPECT_THAT(out.values(), ElementsAre(Pair("a", 1), Pair("b", 1), Pair("a", 2), Pair("c", 1),
                                        Pair("a", 3), Pair("b", 1)));
}

TEST(KeyedAccumulate, RefusesToKeepNoKey) {
  Stream<Sale> source;
  EXPECT_THROW(source.keyed_accumulate(&Sale::shop, add, 0, {.max_keys = 0}), Error);
}

TEST(KeyedAccumulate, InACycleAForgottenStateStaysWhileItIsRead) {
  Stream<int> source;
  const auto text = [](const std::string& all, int x) { return all + std::to_string(x); };
  const std::string start(100, '-');
  auto states = source.keyed_accumulate(std::identity(), text, start, {.max_keys = 1});
  states.sink([&source](const std::pair<int, std::string>& state) {
    if (state.first < 3) source.emit(state.first + 1);
  });
  auto out = states.sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(Pair(3, start + "3"), Pair(2, start + "2"),
                                        Pair(1, start + "1")));
  source.emit(3);
  source.emit(1);
  EXPECT_EQ(out.values().back(), std::pair(1, start + "1"));  // it was forgotten
}

}  // namespace
}  // namespace penstock
