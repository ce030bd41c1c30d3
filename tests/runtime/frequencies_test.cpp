#include <map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using Counts = std::unordered_map<std::string, std::size_t>;

TEST(Frequencies, EmitsTheCountsAfterEachElement) {
  Stream<std::string> source;
  auto out = source.frequencies().sink_to_vector();
  for (const char* word : {"a", "b", "a"}) source.emit(word);
  EXPECT_THAT(out.values(), ElementsAre(Counts{{"a", 1}}, Counts{{"a", 1}, {"b", 1}},
                                        Counts{{"a", 2}, {"b", 1}}));
}

TEST(Frequencies, OfWhatHasNoHashAreInOrder) {
  Stream<std::pair<int, int>> source;
  auto out = source.frequencies().sink_to_vector();
  source.emit({2, 1});
  source.emit({1, 1});
  const std::map<std::pair<int, int>, std::size_t> expected{{{1, 1}, 1}, {{2, 1}, 1}};
  EXPECT_EQ(out.values().back(), expected);
}

TEST(Frequencies, AreNotCopiedWhenNobodyKeepsThem) {
  Stream<std::string> source;
  std::vector<const Counts*> seen;
  source.frequencies().sink([&seen](const Counts& counts) { seen.push_back(&counts); });
  source.emit("a");
  source.emit("b");
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(Frequencies, HaveTheirName) {
  Stream<int> source;
  EXPECT_EQ(source.frequencies().name(), "frequencies");
}

TEST(Frequencies, ReleaseATokenWithItsElement) {
  int released = 0;
  Stream<int> source;
  source.frequencies().sink([](const auto&) {});
  source.emit(1, Token([&released] { ++released; }));
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace penstock
