#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Concat, IsFlatten) {
  Stream<std::vector<int>> source;
  auto items = source.concat();
  EXPECT_EQ(items.name(), "concat");
  auto out = items.sink_to_vector();
  source.emit({1, 2});
  source.emit({});
  source.emit({3});
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Concat, GivesTheTokenToTheLastItem) {
  Tokens tokens;
  Stream<std::vector<int>> source;
  std::vector<std::size_t> released;
  source.concat().sink([&](int) { released.push_back(tokens.released().size()); });
  source.emit({1, 2}, tokens(1));
  EXPECT_THAT(released, ElementsAre(0U, 0U));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

}  // namespace
}  // namespace penstock
