#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Remove, DropsWhatThePredicateIsTrueFor) {
  Stream<int> source;
  auto out = source.remove([](int x) { return x % 2 == 0; }).sink_to_vector();
  for (int x = 0; x < 6; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 5));
}

TEST(Remove, TakesAMember) {
  Stream<std::string> source;
  auto out = source.remove(&std::string::empty).sink_to_vector();
  for (const char* x : {"a", "", "b"}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre("a", "b"));
}

TEST(Remove, SaysItsNameAndFlushesWhatIsBehindIt) {
  Stream<int> source;
  auto kept = source.remove([](int) { return false; });
  EXPECT_EQ(kept.name(), "remove");
  auto out = kept.partition(5).sink_to_vector();
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Remove, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  Stream<int> source;
  source.remove([](int x) { return x < 0; }).partition(5).sink([](const std::vector<int>&) {});
  source.emit(-1, tokens(1));
  source.emit(1, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST(Remove, AFailingPredicateObeysThePolicy) {
  const auto picky = [](int x) {
    if (x == 1) throw std::runtime_error("one");
    return false;
  };
  Stream<int> source;
  auto raising = source.remove(picky).sink_to_vector();
  EXPECT_THROW(source.emit(1), std::runtime_error);
  Stream<int> skipping;
  auto out = skipping.remove(picky).on_error(ErrorPolicy::skip()).sink_to_vector();
  for (int x : {0, 1, 2}) skipping.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(0, 2));
}

TEST(Remove, KeepsBackPressure) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.remove([](int x) { return x == 1; }).rate_limit(1s).sink([](int) {});
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 1s);
}

}  // namespace
}  // namespace penstock
