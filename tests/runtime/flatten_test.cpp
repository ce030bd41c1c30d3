#include <ranges>
#include <set>
#include <span>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Flatten, EmitsTheItemsInOrder) {
  Stream<std::vector<int>> source;
  auto out = source.flatten().sink_to_vector();
  source.emit({1, 2});
  source.emit({});
  source.emit({3});
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Flatten, TakesAnyRange) {
  Stream<std::set<std::string>> sets;
  auto words = sets.flatten().sink_to_vector();
  sets.emit({"b", "a"});
  EXPECT_THAT(words.values(), ElementsAre("a", "b"));

  Stream<std::string> texts;
  auto letters = texts.flatten().sink_to_vector();
  texts.emit("hey");
  EXPECT_THAT(letters.values(), ElementsAre('h', 'e', 'y'));

  Stream<std::vector<bool>> bits;
  auto flags = bits.flatten().sink_to_vector();
  bits.emit({true, false});
  EXPECT_THAT(flags.values(), ElementsAre(true, false));
}

TEST(Flatten, TakesAViewThatCannotBeWalkedWhileConst) {
  const auto odd = [](int x) { return x % 2 != 0; };
  auto view = std::views::iota(0, 6) | std::views::filter(odd);
  Stream<decltype(view)> source;
  auto first = source.flatten().sink_to_vector();
  auto second = source.flatten().sink_to_vector();
  source.emit(view);
  EXPECT_THAT(first.values(), ElementsAre(1, 3, 5));
  EXPECT_THAT(second.values(), ElementsAre(1, 3, 5));
}

TEST(Flatten, MovesTheItemsOfAContainer) {
  Stream<std::vector<std::unique_ptr<int>>> source;
  std::vector<int> seen;
  source.flatten().sink([&seen](std::unique_ptr<int> p) { seen.push_back(*p); });
  std::vector<std::unique_ptr<int>> items;
  items.push_back(std::make_unique<int>(1));
  items.push_back(std::make_unique<int>(2));
  source.emit(std::move(items));
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST(Flatten, LeavesTheItemsOfAViewToTheirOwner) {
  std::vector<std::string> owner{"long enough to own memory on the heap"};
  Stream<std::span<std::string>> source;
  auto out = source.flatten().sink_to_vector();
  source.emit(owner);
  EXPECT_EQ(out.values(), owner);
  EXPECT_FALSE(owner.front().empty());
}

TEST(Flatten, GivesEachItemToAllBranchesBeforeTheNext) {
  Stream<std::vector<int>> source;
  auto items = source.flatten();
  std::vector<std::string> calls;
  items.sink([&](int x) { calls.push_back("a" + std::to_string(x)); });
  items.sink([&](int x) { calls.push_back("b" + std::to_string(x)); });
  source.emit({1, 2});
  EXPECT_THAT(calls, ElementsAre("a1", "b1", "a2", "b2"));
}

TEST(Flatten, MakesTheEmitWaitForAllItems) {
  VirtualLoop loop;
  Stream<std::vector<int>> source(loop);
  auto out = source.flatten().rate_limit(1s).sink_to_vector();
  source.emit({1, 2, 3});
  EXPECT_EQ(loop.elapsed(), 2s);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Flatten, GoesOnWithTheOtherItemsWhenOneFailsDownstream) {
  Stream<std::vector<int>> source;
  auto out = source.flatten()
                 .map([](int x) {
                   if (x == 1) throw std::runtime_error("one");
                   return x;
                 })
                 .sink_to_vector();
  EXPECT_THROW(source.emit({0, 1, 2}), std::runtime_error);
  EXPECT_THAT(out.values(), ElementsAre(0, 2));
}

}  // namespace
}  // namespace penstock
