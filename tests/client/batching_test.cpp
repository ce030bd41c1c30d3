#include "client/core/batching.hpp"

#include <gtest/gtest.h>

namespace penstock::client {
namespace {

using namespace std::chrono_literals;

TEST(Batching, SendsTasksAloneUntilItKnowsHowLongTheyRun) {
  Batching batching(0);
  EXPECT_EQ(batching.size(1000, 2), 1u);
  batching.observe(1us, 1);
  EXPECT_EQ(batching.size(1000, 2), 200u);
}

TEST(Batching, LongTasksTravelAlone) {
  Batching batching(0);
  batching.observe(60us, 1);
  EXPECT_EQ(batching.size(1000, 2), 1u);
}

TEST(Batching, EachThreadGetsItsShare) {
  Batching batching(0);
  batching.observe(1us, 1);
  EXPECT_EQ(batching.size(64, 16), 4u);
  EXPECT_EQ(batching.size(3, 16), 1u);
}

TEST(Batching, LearnsFromWholeBatches) {
  Batching batching(0);
  batching.observe(100us, 100);
  EXPECT_EQ(batching.size(100'000, 1), 200u);
  for (int i = 0; i < 50; ++i) batching.observe(4ms, 100);
  EXPECT_EQ(batching.size(100'000, 1), 5u);
}

TEST(Batching, IsNeverLargerThanItsLimit) {
  Batching batching(0);
  batching.observe(1ns, 1);
  EXPECT_EQ(batching.size(1'000'000, 1), Batching::kMost);
}

TEST(Batching, SaysOnceThatTasksAreTooShortToBeSent) {
  Batching batching(0);
  for (std::size_t tasks = 0; tasks < Batching::kSample; tasks += 100) {
    EXPECT_FALSE(batching.are_too_short());
    batching.observe(100us, 100);
  }
  EXPECT_TRUE(batching.are_too_short());
  EXPECT_FALSE(batching.are_too_short());
  Batching longer(0);
  longer.observe(5s, Batching::kSample);
  EXPECT_FALSE(longer.are_too_short());
}

TEST(Batching, LooksAtAllTasksOfASample) {
  Batching batching(0);
  for (std::size_t tasks = 0; tasks < 3 * Batching::kSample; ++tasks) {
    batching.observe(tasks % 1000 == 0 ? 50'000 * Batching::kCost : Batching::kCost / 2, 1);
    ASSERT_FALSE(batching.are_too_short()) << "their mean is fifty times what a short one may take";
  }
}

TEST(Batching, IsNotMistakenBecauseThreadsWaitForAProcessor) {
  Batching batching(0);
  for (std::size_t tasks = 0; tasks < Batching::kSample; tasks += 100) {
    batching.observe(tasks % 1000 == 0 ? std::chrono::nanoseconds(8ms) : std::chrono::nanoseconds(100us), 100);
  }
  EXPECT_TRUE(batching.are_too_short()) << "their mean is 8.9 us";
  EXPECT_EQ(batching.typical_run(), 1us);
}

TEST(Batching, WantsMoreOfTasksThatHaveBecomeLong) {
  Batching batching(0);
  batching.observe(std::chrono::microseconds(Batching::kSample), Batching::kSample);
  EXPECT_TRUE(batching.are_too_short());
  batching.were_not_short();
  batching.observe(std::chrono::microseconds(Batching::kSample), Batching::kSample);
  EXPECT_FALSE(batching.are_too_short());
  batching.observe(std::chrono::microseconds(3 * Batching::kSample), 3 * Batching::kSample);
  EXPECT_TRUE(batching.are_too_short());
}

TEST(Batching, MayBeFixed) {
  EXPECT_EQ(Batching(1).size(1000, 1), 1u);
  EXPECT_EQ(Batching(7).size(1000, 1), 7u);
}

}  // namespace
}  // namespace penstock::client
