#include <map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

int add(int a, int b) { return a + b; }

TEST(Accumulate, WithoutStartTheFirstElementIsTheStateAndIsEmitted) {
  Stream<int> source;
  int calls = 0;
  auto out = source
                 .accumulate([&calls](int a, int b) {
                   ++calls;
                   return a + b;
                 })
                 .sink_to_vector();
  for (int x = 1; x <= 4; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 6, 10));
  EXPECT_EQ(calls, 3);
}

TEST(Accumulate, WithStartCallsTheFunctionForTheFirstElementToo) {
  Stream<int> source;
  auto out = source.accumulate(add, 100).sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(101, 103));
}

TEST(Accumulate, TheStateMayBeOfAnotherType) {
  Stream<int> source;
  auto out = source
                 .accumulate([](const std::string& s, int x) { return s + std::to_string(x); },
                             std::string("="))
                 .sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre("=1", "=12"));
}

TEST(Accumulate, ReturnsStateEmitsTheOutputOnly) {
  Stream<int> source;
  auto out = source
                 .accumulate([](int last, int x) { return std::pair(x, std::to_string(x - last)); },
                             0, returns_state)
                 .sink_to_vector();
  source.emit(3);
  source.emit(10);
  EXPECT_THAT(out.values(), ElementsAre("3", "7"));
}

TEST(Accumulate, MayChangeItsStateInPlace) {
  Stream<std::string> source;
  using Counts = std::map<std::string, int>;
  auto out =
      source.accumulate([](Counts& counts, const std::string& word) { ++counts[word]; }, Counts{})
          .sink_to_vector();
  source.emit("a");
  source.emit("b");
  source.emit("a");
  EXPECT_EQ(out.values().back(), (Counts{{"a", 2}, {"b", 1}}));
  EXPECT_EQ(out.values().front(), (Counts{{"a", 1}}));
}

TEST(Accumulate, DoesNotCopyAStateThatNobodyKeeps) {
  struct Sum {
    Sum() = default;
    Sum(const Sum& other) : total(other.total), copies(other.copies) { ++*copies; }
    Sum(Sum&&) = default;
    std::vector<int> total{0};
    std::shared_ptr<int> copies = std::make_shared<int>(0);
  };
  Stream<int> source;
  int last = 0;
  const Sum start;
  source.accumulate([](Sum& sum, int x) { sum.total[0] += x; }, Sum(start)).sink([&last](const Sum& sum) {
    last = sum.total[0];
  });
  const int before = *start.copies;
  source.emit(1);
  source.emit(2);
  EXPECT_EQ(last, 3);
  EXPECT_EQ(*start.copies, before);
}

TEST(Accumulate, KeepsItsStateWhenTheFunctionThrows) {
  Stream<int> source;
  const auto positive = [](int a, int b) {
    if (b < 0) throw std::runtime_error("negative");
    return a + b;
  };
  auto sums = source.accumulate(positive).sink_to_vector();
  auto pairs = source
                   .accumulate([positive](int a, int b) { return std::pair(positive(a, b), a); }, 0,
                               returns_state)
                   .sink_to_vector();
  source.emit(1);
  EXPECT_THROW(source.emit(-1), std::runtime_error);
  source.emit(2);
  EXPECT_THAT(sums.values(), ElementsAre(1, 3));
  EXPECT_THAT(pairs.values(), ElementsAre(0, 1));
}

TEST(Accumulate, InACycleEachBranchSeesEveryStateOnce) {
  Stream<int> source;
  auto total = source.accumulate(add);
  total.filter([](int x) { return x < 5; }).map([](int) { return 1; }).connect(source);
  std::vector<int> seen;
  total.sink([&seen](int x) { seen.push_back(x); });
  source.emit(1);
  EXPECT_THAT(seen, ElementsAre(5, 4, 3, 2, 1));  // depth first: the cycle stands before the sink
  source.emit(1);
  EXPECT_EQ(seen.back(), 6);
}

TEST(Accumulate, InACycleAStateInPlaceStaysWhileItIsRead) {
  Stream<int> source;
  using Items = std::vector<int>;
  auto items = source.accumulate([](Items& all, int x) { all.push_back(x); }, Items{});
  items.sink([&source](const Items& all) {
    if (all.size() < 4) source.emit(all.back() + 1);
  });
  auto out = items.sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2, 3, 4), ElementsAre(1, 2, 3),
                                        ElementsAre(1, 2), ElementsAre(1)));
}

TEST(Accumulate, WithStateEmitsTheStateBesideTheOutput) {
  Stream<int> source;
  auto out = source
                 .accumulate([](int last, int x) { return std::pair(x, std::to_string(x - last)); }, 0,
                             returns_state, with_state)
                 .sink_to_vector();
  source.emit(3);
  source.emit(10);
  EXPECT_THAT(out.values(), ElementsAre(std::pair(3, "3"), std::pair(10, "7")));
}

TEST(Accumulate, WithStateAloneEmitsTheStateTwice) {
  Stream<int> source;
  auto sums = source.accumulate(add, 1, with_state).sink_to_vector();
  auto in_place = source.scan([](int& sum, int x) { sum += x; }, 1, with_state).sink_to_vector();
  source.emit(2);
  source.emit(3);
  EXPECT_THAT(sums.values(), ElementsAre(std::pair(3, 3), std::pair(6, 6)));
  EXPECT_EQ(in_place.values(), sums.values());
}

}  // namespace
}  // namespace penstock
