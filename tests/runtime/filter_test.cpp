#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Filter, PassesWhatThePredicateAccepts) {
  Stream<int> source;
  auto out = source.filter([](int x) { return x % 2 == 0; }).sink_to_vector();
  for (int x = 0; x < 5; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(0, 2, 4));
}

TEST(Filter, TakesAPredicateWhoseResultConvertsToBool) {
  Stream<std::shared_ptr<int>> source;
  auto out = source.filter([](const std::shared_ptr<int>& p) { return p ? 1 : 0; })
                 .map([](const std::shared_ptr<int>& p) { return *p; })
                 .sink_to_vector();
  source.emit(nullptr);
  source.emit(std::make_shared<int>(3));
  EXPECT_THAT(out.values(), ElementsAre(3));
}

TEST(Filter, TakesAMemberFunction) {
  Stream<std::string> source;
  auto out = source.filter(&std::string::empty).sink_to_vector();
  source.emit("x");
  source.emit("");
  EXPECT_THAT(out.values(), ElementsAre(""));
}

TEST(Filter, DropsTheElementWhosePredicateThrows) {
  Stream<int> source;
  auto out = source
                 .filter([](int x) {
                   if (x == 1) throw std::runtime_error("one");
                   return true;
                 })
                 .sink_to_vector();
  source.emit(0);
  EXPECT_THROW(source.emit(1), std::runtime_error);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(0, 2));
}

TEST(Filter, LetsTheEndThrough) {
  Stream<int> source;
  auto out = source.filter([](int x) { return x > 0; }).partition(3).sink_to_vector();
  source.emit(1);
  source.emit(-1);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

}  // namespace
}  // namespace penstock
