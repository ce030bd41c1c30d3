#include <map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

struct Order {
  std::string symbol;
  double price = 0;

  double twice() const { return 2 * price; }
};

// The longest word, the newest of equal ones; refuses what the test says.
struct Longest {
  std::string of(const std::string& word) const { return word; }
  std::string combine(const std::string& older, const std::string& newer) const {
    if (newer == refused) throw std::runtime_error("refused");
    return newer.size() < older.size() ? older : newer;
  }
  std::size_t result(const std::string& longest) const { return longest.size(); }

  std::string refused = {};
};

// All elements, in order: shows what is in the window.
struct All {
  std::string of(int x) const { return std::to_string(x); }
  std::string combine(const std::string& older, const std::string& newer) const {
    return older + newer;
  }
  std::string result(const std::string& all) const { return all; }
};

TEST(SlidingAggregate, EmitsForEachElementTheWindowThatItEnds) {
  Stream<int> source;
  auto out = source.window(3).sum().sink_to_vector();
  for (int x = 1; x <= 5; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 6, 9, 12));
}

TEST(SlidingAggregate, OfOneIsTheElement) {
  Stream<int> source;
  auto out = source.window(1).aggregate(All()).sink_to_vector();
  for (int x = 1; x <= 3; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre("1", "2", "3"));
}

TEST(SlidingAggregate, CombinesInTheOrderOfTheElements) {
  Stream<int> source;
  auto out = source.window(4).aggregate(All()).sink_to_vector();
  for (int x = 1; x <= 9; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre("1", "12", "123", "1234", "2345", "3456", "4567", "5678",
                                        "6789"));
}

TEST(SlidingAggregate, AProjectionTellsWhatIsMeant) {
  Stream<Order> source;
  auto members = source.window(2).mean(&Order::price).sink_to_vector();
  auto methods = source.window(2).max(&Order::twice).sink_to_vector();
  auto lambdas = source.window(2)
                     .quantile(1, [](const Order& order) { return order.symbol.size(); })
                     .sink_to_vector();
  auto words = source.window(2).min(&Order::symbol).sink_to_vector();
  auto counts = source.window(2).count().sink_to_vector();
  source.emit({"b", 1});
  source.emit({"aaa", 2});
  EXPECT_THAT(members.values(), ElementsAre(1, 1.5));
  EXPECT_THAT(methods.values(), ElementsAre(2, 4));
  EXPECT_THAT(lambdas.values(), ElementsAre(1, 3));
  EXPECT_THAT(words.values(), ElementsAre("b", "aaa"));
  EXPECT_THAT(counts.values(), ElementsAre(1U, 2U));
}

TEST(SlidingAggregate, TakesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  auto out = source.window(2)
                 .sum([](const std::unique_ptr<int>& x) { return *x; })
                 .sink_to_vector();
  for (int x = 1; x <= 3; ++x) source.emit(std::make_unique<int>(x));
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 5));
}

TEST(SlidingAggregate, RefusesAWindowOfNothing) {
  Stream<int> source;
  EXPECT_THROW(source.window(0), Error);
  EXPECT_THROW(source.window(0s), Error);
  EXPECT_THROW(source.window(-1s), Error);
  EXPECT_THROW(source.window(1s, {.limit = 0}), Error);
  EXPECT_THROW(source.window(1).quantile(2), Error);
  EXPECT_THROW(source.window(1).by(std::identity(), {.max_keys = 0}), Error);
}

TEST(SlidingAggregate, InACycleEachElementCountsOnce) {
  Stream<int> source;
  auto sums = source.window(2).sum();
  sums.filter([](long x) { return x < 5; })
      .map([](long x) { return static_cast<int>(x); })
      .connect(source);
  std::vector<long> seen;
  sums.sink([&seen](long x) { seen.push_back(x); });
  source.emit(1);
  EXPECT_THAT(seen, ElementsAre(5, 3, 2, 1));  // 1; 1+1; 1+2; 2+3: depth first
}

// ---- over time ----------------------------------------------------------------------------------

class WindowOverTime : public ::testing::Test {
 protected:
  void emit_at(Duration at, int x) {
    loop.advance(at - loop.elapsed());
    source.emit(x);
  }

  VirtualLoop loop;
  Stream<int> source{loop};
};

TEST_F(WindowOverTime, AnElementLeavesWhenItIsAsOldAsTheInterval) {
  auto out = source.window(1s).aggregate(All()).sink_to_vector();
  emit_at(0ms, 1);
  emit_at(999ms, 2);
  emit_at(1000ms, 3);
  emit_at(1998ms, 4);
  emit_at(10s, 5);
  EXPECT_THAT(out.values(), ElementsAre("1", "12", "23", "234", "5"));
}

TEST_F(WindowOverTime, TimeAloneEmitsNothing) {
  auto out = source.window(1s).count().sink_to_vector();
  emit_at(0s, 1);
  loop.advance(1h);
  EXPECT_THAT(out.values(), ElementsAre(1U));
}

TEST_F(WindowOverTime, HoldsAtMostItsLimit) {
  auto out = source.window(10s, {.limit = 3}).aggregate(All()).sink_to_vector();
  for (int x = 1; x <= 5; ++x) source.emit(x);
  emit_at(10s, 6);
  EXPECT_THAT(out.values(), ElementsAre("1", "12", "123", "234", "345", "6"));
}

TEST_F(WindowOverTime, AgreesWithACountOfTheSameElements) {
  const auto at = [this] { return loop.elapsed(); };
  std::vector<std::pair<Duration, int>> came;
  std::vector<std::pair<long, double>> expected;
  std::vector<long> sums;
  std::vector<double> medians;
  source.window(1s).sum().sink([&](long sum) { sums.push_back(sum); });
  source.window(1s).quantile(0.5).sink([&](double median) { medians.push_back(median); });
  unsigned random = 1;
  for (int x = 0; x < 3000; ++x) {
    random = random * 1'664'525U + 1'013'904'223U;
    loop.advance(std::chrono::milliseconds(random >> 28) * (x % 500 == 0 ? 200 : 1));
    came.emplace_back(at(), static_cast<int>(random >> 16 & 0xFF));
    source.emit(came.back().second);
    std::vector<int> window;
    for (const auto& [time, value] : came) {
      if (time > at() - 1s) window.push_back(value);
    }
    std::ranges::sort(window);
    long sum = 0;
    for (const int value : window) sum += value;
    const std::size_t middle = window.size() / 2;
    expected.emplace_back(
        sum, window.size() % 2 == 1 ? window[middle] : (window[middle - 1] + window[middle]) / 2.0);
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(sums[i], expected[i].first) << i;
    ASSERT_EQ(medians[i], expected[i].second) << i;
  }
}

TEST_F(WindowOverTime, BringsItsOwnLoop) {
  Stream<int> loopless;
  auto out = loopless.window(1s, {.loop = loop}).count().sink_to_vector();
  loopless.emit(1);
  loop.advance(1s);
  loopless.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(1U, 1U));
  const VirtualLoop other;
  EXPECT_THROW(loopless.window(1s, {.loop = other}).count(), LoopError);
}

// ---- by key -------------------------------------------------------------------------------------

TEST(KeyedWindow, EachKeyHasAWindowOfItsOwn) {
  Stream<Order> source;
  auto out = source.window(2).by(&Order::symbol).sum(&Order::price).sink_to_vector();
  source.emit({"a", 1});
  source.emit({"b", 10});
  source.emit({"a", 2});
  source.emit({"a", 3});
  source.emit({"b", 20});
  EXPECT_THAT(out.values(),
              ElementsAre(Pair("a", 1), Pair("b", 10), Pair("a", 3), Pair("a", 5), Pair("b", 30)));
}

TEST(KeyedWindow, AgreesWithAWindowForEachKey) {
  Stream<int> source;
  const auto key = [](int x) { return x % 7; };
  auto keyed = source.window(20).by(key).variance().sink_to_vector();
  std::map<int, std::vector<double>> expected;
  for (int k = 0; k < 7; ++k) {
    source.filter([=](int x) { return key(x) == k; })
        .window(20)
        .variance()
        .sink([&expected, k](double x) { expected[k].push_back(x); });
  }
  unsigned random = 1;
  for (int x = 0; x < 3000; ++x) {
    random = random * 1'664'525U + 1'013'904'223U;
    source.emit(static_cast<int>(random >> 16));
  }
  std::map<int, std::vector<double>> results;
  for (const auto& [k, x] : keyed.values()) results[k].push_back(x);
  ASSERT_EQ(results.size(), expected.size());
  for (const auto& [k, all] : expected) {
    EXPECT_THAT(results[k], ::testing::Pointwise(::testing::NanSensitiveDoubleEq(), all)) << k;
  }
}

TEST(KeyedWindow, KeysMayBeOrderedInsteadOfHashed) {
  Stream<int> source;
  auto out = source.window(2)
                 .by([](int x) { return std::pair(x % 2, 'k'); })
                 .count()
                 .sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(Pair(Pair(0, 'k'), 1U), Pair(Pair(1, 'k'), 1U),
                                        Pair(Pair(0, 'k'), 2U)));
}

TEST(KeyedWindow, ForgetsTheKeyThatWasNotUsedForTheLongestTime) {
  Stream<std::string> source;
  auto out = source.window(10).by(std::identity(), {.max_keys = 2}).count().sink_to_vector();
  for (const char* key : {"a", "b", "a", "c", "a", "b"}) source.emit(key);
  EXPECT_THAT(out.values(), ElementsAre(Pair("a", 1U), Pair("b", 1U), Pair("a", 2U), Pair("c", 1U),
                                        Pair("a", 3U), Pair("b", 1U)));
}

TEST(KeyedWindow, FreesKeysWhoseElementsHaveAllLeft) {
  VirtualLoop loop;
  std::vector<int> released;
  Stream<int> source(loop);
  source.window(1s).by(std::identity()).count().sink([](const std::pair<int, std::size_t>&) {});
  const auto emit = [&](int x) {
    source.emit(x, Token([&released, x] { released.push_back(x); }));
  };
  emit(1);
  loop.advance(500ms);
  emit(2);
  emit(1);
  EXPECT_THAT(released, IsEmpty());
  loop.advance(1s);
  emit(3);  // the windows of 2 and 1 are over
  EXPECT_THAT(released, UnorderedElementsAre(2, 1, 1));
}

TEST(KeyedWindow, RefusesAKeyThatDoesNotEqualItself) {
  Stream<double> source;
  auto out = source.window(10).by(std::identity()).count().sink_to_vector();
  EXPECT_THROW(source.emit(std::nan("")), Error);
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(Pair(1, 1U)));
}

// ---- tokens, errors, the end --------------------------------------------------------------------

class WindowTokens : public ::testing::Test {
 protected:
  Token token(int number) {
    return Token([this, number] { released.push_back(number); });
  }

  std::vector<int> released;
};

TEST_F(WindowTokens, AreReleasedWhenTheirElementLeavesTheWindow) {
  Stream<int> source;
  source.window(3).sum().sink([](long) {});
  for (int x = 1; x <= 7; ++x) source.emit(x, token(x));
  EXPECT_THAT(released, ElementsAre(1, 2, 3, 4));
}

TEST_F(WindowTokens, OfElementsThatHaveNoneDoNotShiftTheOthers) {
  Stream<int> source;
  source.window(3).quantile(0.5).sink([](double) {});
  source.emit(1, token(1));
  source.emit(2);
  source.emit(3, token(3));
  source.emit(4);
  EXPECT_THAT(released, ElementsAre(1));
  source.emit(5);
  EXPECT_THAT(released, ElementsAre(1));
  source.emit(6);
  EXPECT_THAT(released, ElementsAre(1, 3));
}

TEST_F(WindowTokens, AreHeldByAResultUntilItHasLeftTheLastSink) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Gate gate;
  source.window(2).sum().buffer(10).sink(
      [&gate](long) -> asio::awaitable<void> { co_await gate.pass(); });
  for (int x = 1; x <= 4; ++x) source.emit(x, token(x));
  loop.run_pending();
  const auto open = [&] {
    gate.open_for_one();
    loop.run_pending();
  };
  EXPECT_THAT(released, IsEmpty());
  open();  // 1
  EXPECT_THAT(released, IsEmpty());
  open();  // 1 + 2
  EXPECT_THAT(released, ElementsAre(1));
  open();  // 2 + 3
  EXPECT_THAT(released, ElementsAre(1, 2));
  open();  // 3 + 4 is in the window still
  EXPECT_THAT(released, ElementsAre(1, 2));
}

TEST_F(WindowTokens, LeaveWithTimeWhenTheNextElementComes) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.window(1s).sum().sink([](long) {});
  source.emit(1, token(1));
  loop.advance(500ms);
  source.emit(2, token(2));
  loop.advance(500ms);
  EXPECT_THAT(released, IsEmpty());
  source.emit(3, token(3));
  EXPECT_THAT(released, ElementsAre(1));
}

TEST_F(WindowTokens, AreReleasedAtTheEnd) {
  Stream<int> source;
  source.window(3).sum().sink([](long) {});
  source.window(3).by(std::identity()).count().sink([](const std::pair<int, std::size_t>&) {});
  source.emit(1, token(1));
  source.emit(2, token(2));
  EXPECT_THAT(released, IsEmpty());
  source.close();
  EXPECT_THAT(released, UnorderedElementsAre(1, 2));
}

TEST_F(WindowTokens, OfALongWindowAreReleasedWithoutOverflowOfTheStack) {
  constexpr int kElements = 500'000;
  int gone = 0;
  Stream<int> source;
  source.window(kElements).count().sink([](std::size_t) {});
  for (int x = 0; x < kElements; ++x) source.emit(x, Token([&gone] { ++gone; }));
  EXPECT_EQ(gone, 0);
  source.emit(0);  // turns the stacks over
  EXPECT_EQ(gone, 1);
  source.close();
  EXPECT_EQ(gone, kElements);
}

TEST_F(WindowTokens, MayEmitAgainWhenTheyAreReleased) {
  std::vector<std::string> seen;
  Stream<int> source;
  source.window(2).aggregate(All()).sink([&seen](const std::string& all) { seen.push_back(all); });
  source.window(2).by([](int x) { return x; }, {.max_keys = 1}).count().sink([](const auto&) {});
  source.sliding_window(2).sink([](const auto&) {});
  for (int x = 1; x <= 6; ++x) {
    source.emit(x, Token([&source, x] {
      if (x < 3) source.emit(10 * x);
    }));
  }
  // 1 leaves the windows with 3, before 4; 2 leaves with what 1 emitted.
  EXPECT_THAT(seen, ElementsAre("1", "12", "23", "310", "1020", "204", "45", "56"));
}

TEST_F(WindowTokens, OfAnElementThatFailedAreReleasedAtOnce) {
  Stream<std::string> source;
  source.window(3).aggregate(Longest{"bad"}).on_error(ErrorPolicy::skip()).sink([](std::size_t) {});
  source.emit("a", token(1));
  source.emit("bad", token(2));
  EXPECT_THAT(released, ElementsAre(2));
}

TEST(WindowErrors, LeaveTheElementOut) {
  Stream<std::string> source;
  auto out = source.window(3).aggregate(Longest{"bad"}).sink_to_vector();
  for (const char* word : {"four", "a", "bb"}) source.emit(word);
  EXPECT_THROW(source.emit("bad"), std::runtime_error);
  EXPECT_THROW(source.emit("bad"), std::runtime_error);
  for (const char* word : {"c", "dd"}) source.emit(word);
  EXPECT_THAT(out.values(), ElementsAre(4U, 4U, 4U, 2U, 2U));
}

TEST(WindowErrors, OfProjectionsAndKeysObeyThePolicy) {
  Stream<int> source;
  Stream<Failure> errors;
  const auto element = [](const Failure& failure) { return std::any_cast<int>(failure.element); };
  auto failures = errors.map(element).sink_to_vector();
  const auto positive = [](int x) {
    if (x < 0) throw std::runtime_error("negative");
    return x;
  };
  const auto window = source.window(2);
  auto sums = window.sum(positive).on_error(ErrorPolicy::dead_letter(errors)).sink_to_vector();
  auto counts = window.by(positive).count().on_error(ErrorPolicy::skip()).sink_to_vector();
  for (const int x : {1, -1, 2, -2, 3}) source.emit(x);
  EXPECT_THAT(sums.values(), ElementsAre(1, 3, 5));
  EXPECT_THAT(counts.values(), ElementsAre(Pair(1, 1U), Pair(2, 1U), Pair(3, 1U)));
  EXPECT_THAT(failures.values(), ElementsAre(-1, -2));
}

TEST(WindowErrors, WhileTheStacksTurnOverLeaveTheWindowAsItWas) {
  // Combines 1 to 4 pairwise as they come; refuses to combine 2 with what follows it, at first.
  struct Refusing {
    std::string of(int x) const { return std::to_string(x); }
    std::string combine(const std::string& older, const std::string& newer) const {
      if (older == "2" && (*refusals)-- > 0) throw std::runtime_error("turned over");
      return older + newer;
    }
    std::string result(const std::string& all) const { return all; }
    int* refusals;
  };
  int refusals = 0;
  Stream<int> source;
  auto out = source.window(3).aggregate(Refusing{&refusals}).sink_to_vector();
  for (int x = 1; x <= 3; ++x) source.emit(x);
  refusals = 2;
  EXPECT_THROW(source.emit(4), std::runtime_error);
  EXPECT_THROW(source.emit(4), std::runtime_error);
  source.emit(4);
  source.emit(5);
  EXPECT_THAT(out.values(), ElementsAre("1", "12", "123", "234", "345"));
}

TEST(WindowErrors, AFailedElementIsTriedAgain) {
  Stream<int> source;
  int failures = 2;
  auto out = source.window(2)
                 .sum([&failures](int x) {
                   if (x == 2 && failures-- > 0) throw std::runtime_error("not yet");
                   return x;
                 })
                 .on_error(ErrorPolicy::retry(2))
                 .sink_to_vector();
  for (int x = 1; x <= 3; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 5));
}

}  // namespace
}  // namespace penstock
