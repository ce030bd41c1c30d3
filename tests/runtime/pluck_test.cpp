#include <array>
#include <map>
#include <unordered_map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

struct Quote {
  std::string symbol;
  double price = 0;
  double twice() const { return 2 * price; }
};

// The text of what an emit throws.
template <class T>
std::string raised(const Stream<T>& source, T element) {
  try {
    source.emit(std::move(element));
  } catch (const std::out_of_range& error) {
    return error.what();
  }
  return "";
}

TEST(Pluck, TakesAnItemOfTuplesPairsAndArrays) {
  Stream<std::tuple<int, std::string>> tuples;
  auto second = tuples.pluck<1>().sink_to_vector();
  tuples.emit({1, "a"});
  EXPECT_THAT(second.values(), ElementsAre("a"));

  Stream<std::pair<int, char>> pairs;
  auto first = pairs.pluck<0>().sink_to_vector();
  pairs.emit({1, 'a'});
  EXPECT_THAT(first.values(), ElementsAre(1));

  Stream<std::array<int, 3>> arrays;
  auto last = arrays.pluck<2>().sink_to_vector();
  arrays.emit({1, 2, 3});
  EXPECT_THAT(last.values(), ElementsAre(3));
}

TEST(Pluck, TakesSeveralItemsAsATuple) {
  Stream<std::tuple<int, std::string, char>> source;
  auto out = source.pluck<2, 0>().sink_to_vector();
  source.emit({1, "a", 'x'});
  EXPECT_THAT(out.values(), ElementsAre(std::tuple('x', 1)));
}

TEST(Pluck, TakesAnItemOfRanges) {
  Stream<std::vector<int>> source;
  auto out = source.pluck(1).sink_to_vector();
  auto both = source.pluck(0, 2).sink_to_vector();
  source.emit({1, 2, 3});
  EXPECT_THAT(out.values(), ElementsAre(2));
  EXPECT_THAT(both.values(), ElementsAre(std::tuple(1, 3)));

  Stream<std::string> words;
  auto letters = words.pluck(std::size_t{0}).sink_to_vector();
  words.emit("abc");
  EXPECT_THAT(letters.values(), ElementsAre('a'));

  Stream<std::vector<bool>> flags;
  auto flag = flags.pluck(0).sink_to_vector();
  flags.emit({true});
  EXPECT_THAT(flag.values(), ElementsAre(true));
}

TEST(Pluck, AnIndexOutOfRangeNamesItAndTheSize) {
  Stream<std::vector<int>> source;
  source.pluck(3).sink([](int) {});
  EXPECT_EQ(raised(source, {1, 2}), "pluck(3): this element has 2 items");
  EXPECT_THROW(source.pluck(-1), Error);
}

TEST(Pluck, TakesTheValueOfAKey) {
  Stream<std::map<std::string, int>> source;
  auto out = source.pluck("b").sink_to_vector();
  auto both = source.pluck("b", "a").sink_to_vector();
  source.emit({{"a", 1}, {"b", 2}});
  EXPECT_THAT(out.values(), ElementsAre(2));
  EXPECT_THAT(both.values(), ElementsAre(std::tuple(2, 1)));

  Stream<std::unordered_map<int, std::string>> numbered;
  auto named = numbered.pluck(7).sink_to_vector();
  numbered.emit({{7, "seven"}});
  EXPECT_THAT(named.values(), ElementsAre("seven"));
}

TEST(Pluck, AMissingKeyIsNamed) {
  Stream<std::map<std::string, int>> source;
  source.pluck("b").sink([](int) {});
  EXPECT_EQ(raised(source, {{"a", 1}}), "pluck(\"b\"): this element has no such key");
  Stream<std::map<int, int>> numbered;
  numbered.pluck(7).sink([](int) {});
  EXPECT_EQ(raised(numbered, {{1, 1}}), "pluck(7): this element has no such key");
}

TEST(Pluck, TakesMembers) {
  Stream<Quote> source;
  auto prices = source.pluck(&Quote::price).sink_to_vector();
  auto rows = source.pluck(&Quote::symbol, &Quote::twice).sink_to_vector();
  source.emit({"ABC", 1.5});
  EXPECT_THAT(prices.values(), ElementsAre(1.5));
  EXPECT_THAT(rows.values(), ElementsAre(std::tuple(std::string("ABC"), 3.0)));
}

TEST(Pluck, TakesMembersOfWhatASmartPointerPointsTo) {
  Stream<std::shared_ptr<Quote>> source;
  auto out = source.pluck(&Quote::symbol).sink_to_vector();
  source.emit(std::make_shared<Quote>(Quote{"ABC", 1}));
  EXPECT_THAT(out.values(), ElementsAre("ABC"));
}

TEST(Pluck, ErrorsObeyThePolicy) {
  Stream<std::vector<int>> source;
  auto out = source.pluck(1).on_error(ErrorPolicy::skip()).sink_to_vector();
  for (const auto& x : {std::vector{1, 2}, std::vector{3}, std::vector{4, 5}}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(2, 5));

  Stream<std::vector<int>> failing;
  Stream<Failure> errors;
  std::vector<std::string> dead;
  errors.sink([&dead](const Failure& failure) { dead.push_back(failure.node); });
  failing.pluck(1).on_error(ErrorPolicy::dead_letter(errors)).sink([](int) {});
  failing.emit({});
  EXPECT_THAT(dead, ElementsAre("pluck"));
}

TEST(Pluck, KeepsTokenBackPressureAndEnd) {
  VirtualLoop loop;
  Tokens tokens;
  Stream<std::pair<int, int>> source(loop);
  auto out = source.pluck<0>().rate_limit(1s).partition(5).sink_to_vector();
  source.emit({1, 0}, tokens(1));
  source.emit({2, 0}, tokens(2));
  EXPECT_EQ(loop.elapsed(), 1s);
  EXPECT_THAT(tokens.released(), IsEmpty());
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
  EXPECT_EQ(tokens.released().size(), 2u);
}

}  // namespace
}  // namespace penstock
