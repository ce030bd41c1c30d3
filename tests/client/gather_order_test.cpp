// The orders of gather(): of completion, and among elements of one key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <thread>

#include "tests/client/local_cluster_case.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

struct GatherOrder : LocalClusterCase {};

TEST_F(GatherOrder, GathersInTheOrderOfCompletion) {
  auto out = scattered
                 .map([](int x) {
                   if (x == 1) std::this_thread::sleep_for(400ms);
                   return x;
                 })
                 .gather({.order = Order::kCompletion})
                 .sink_to_vector();
  emit(1, 10);
  source.close();
  ASSERT_THAT(out.values(), SizeIs(10));
  EXPECT_EQ(out.values().back(), 1);
}

TEST_F(GatherOrder, GathersElementsOfOneKeyInOrder) {
  auto out = source.scatter_by([](int x) { return x % 2; }, client)
                 .map([](int x) {
                   if (x == 1) std::this_thread::sleep_for(400ms);
                   return x;
                 })
                 .gather({.order = Order::kKey})
                 .sink_to_vector();
  emit(1, 6);
  source.close();
  // All even ones while the first odd one runs, and the other odd ones behind it.
  EXPECT_THAT(out.values(), ElementsAre(2, 4, 6, 1, 3, 5));
}

TEST_F(GatherOrder, GathersInOrderOfKeysThroughWhatFailsAndWhatIsDropped) {
  auto out = source.scatter_by([](int x) { return x % 10; }, client)
                 .map(uneven)
                 .filter([](int x) { return x % 3 != 0; })
                 .map([](int x) {
                   if (x % 7 == 0) throw std::runtime_error("seven");
                   return x;
                 })
                 .gather({.order = Order::kKey})
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  emit(1, 500);
  source.drain();
  std::map<int, int> last;
  for (const int x : out.values()) {
    EXPECT_GT(x, last[x % 10]);
    last[x % 10] = x;
  }
  EXPECT_THAT(out.values(), SizeIs(286));
}

TEST_F(GatherOrder, ByCompletionComesWhatIsThereTwice) {
  auto common = scattered.map(uneven);
  auto out = common.union_with(common.slice(0)).gather({.order = Order::kCompletion}).sink_to_vector();
  emit(1, 4);
  source.drain();
  EXPECT_THAT(out.values(), testing::UnorderedElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
}

}  // namespace
}  // namespace penstock
