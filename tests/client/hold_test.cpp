#include "client/core/hold.hpp"

#include <gtest/gtest.h>

namespace penstock::client {
namespace {

TEST(Hold, SendsAtOnceWhileAThreadMayBeIdle) {
  EXPECT_FALSE(may_hold({.unsettled = 4, .unsent = 1, .threads = 2}, 8));
  EXPECT_TRUE(may_hold({.unsettled = 5, .unsent = 0, .threads = 2}, 8));
}

TEST(Hold, SendsAtOnceWhenNobodyKnowsOfThreads) {
  EXPECT_FALSE(may_hold({.unsettled = 1000, .unsent = 0, .threads = 0}, 8));
}

TEST(Hold, LetsMessagesGrowWithWhatIsInFlight) {
  EXPECT_TRUE(may_hold({.unsettled = 100 + 24, .unsent = 24, .threads = 2}, 8));
  EXPECT_FALSE(may_hold({.unsettled = 100 + 25, .unsent = 25, .threads = 2}, 8));
}

TEST(Hold, SendsLargeInputsAtOnce) {
  EXPECT_TRUE(may_hold({.unsettled = 100, .unsent = 0, .threads = 2}, kMostHeldBytes));
  EXPECT_FALSE(may_hold({.unsettled = 100, .unsent = 0, .threads = 2}, kMostHeldBytes + 1));
}

TEST(Hold, IsNotConfusedByCancelledTasksThatWait) {
  EXPECT_FALSE(may_hold({.unsettled = 3, .unsent = 10, .threads = 1}, 8));
}

}  // namespace
}  // namespace penstock::client
