#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

const auto kAdd = [](int a, int b) { return a + b; };

TEST(Scan, IsAccumulate) {
  Stream<int> source;
  auto running = source.scan(kAdd);
  EXPECT_EQ(running.name(), "scan");
  auto out = running.sink_to_vector();
  auto from_ten = source.scan(kAdd, 10).sink_to_vector();
  for (int x : {1, 2, 3}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 3, 6));
  EXPECT_THAT(from_ten.values(), ElementsAre(11, 13, 16));
}

TEST(Scan, MayReturnStateAndOutput) {
  Stream<int> source;
  auto out = source
                 .scan([](int sum, int x) { return std::pair(sum + x, std::to_string(sum + x)); }, 0,
                       returns_state)
                 .sink_to_vector();
  for (int x : {1, 2}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre("1", "3"));
}

TEST(Scan, AFailingFunctionObeysThePolicy) {
  Stream<int> source;
  auto out = source
                 .scan(
                     [](int sum, int x) {
                       if (x == 2) throw std::runtime_error("two");
                       return sum + x;
                     },
                     0)
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  for (int x : {1, 2, 3}) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 4));
}

}  // namespace
}  // namespace penstock
