#include "client/core/kept_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = KeptState<std::string, std::string>;
using Need = State::Need;

TEST(KeptState, IsThereOnTheConnectionOnWhichItWasMade) {
  State state("worker", 1);
  EXPECT_EQ(state.needed_by(7, 1), Need::kReady);
  EXPECT_TRUE(state.is_there(1));
  EXPECT_FALSE(state.is_there(2));
  EXPECT_EQ(state.needed_by(7, 2), Need::kMake);
  EXPECT_FALSE(state.is_there());
}

TEST(KeptState, IsMadeOnceForAllThatWait) {
  State state("worker", 1);
  EXPECT_TRUE(state.lose(1));
  EXPECT_EQ(state.needed_by(7, 1), Need::kMake);
  EXPECT_EQ(state.needed_by(8, 1), Need::kWaits);
  EXPECT_THAT(state.made_there("another", 1), ElementsAre(7, 8));
  EXPECT_EQ(state.where(), "another");
  EXPECT_EQ(state.needed_by(9, 1), Need::kReady);
}

TEST(KeptState, IsLostOnceForEachVersion) {
  State state("worker", 1);
  EXPECT_TRUE(state.lose(1));
  EXPECT_FALSE(state.lose(1));
  state.needed_by(7, 1);
  state.made_there("another", 1);
  EXPECT_FALSE(state.lose(1));  // who says so read the first
  EXPECT_TRUE(state.lose(2));
}

TEST(KeptState, MayComeHere) {
  State state("worker", 1);
  state.lose(1);
  state.needed_by(7, 1);
  EXPECT_THAT(state.made_here("bytes"), ElementsAre(7));
  EXPECT_EQ(state.needed_by(8, 2), Need::kReady);  // on any connection
  EXPECT_EQ(state.bytes(), "bytes");
  EXPECT_FALSE(state.let_go());
  EXPECT_EQ(state.needed_by(9, 2), Need::kMake);
}

TEST(KeptState, MayFailToBeMade) {
  State state("worker", 1);
  state.lose(1);
  state.needed_by(7, 1);
  EXPECT_THAT(state.failed(), ElementsAre(7));
  EXPECT_EQ(state.needed_by(8, 1), Need::kMake);
}

TEST(KeptState, IsFreedWhereItIsWhenNobodyHoldsIt) {
  State state("worker", 1);
  EXPECT_TRUE(state.let_go());
  EXPECT_FALSE(state.let_go());
  EXPECT_EQ(state.needed_by(7, 1), Need::kMake);
  EXPECT_FALSE(state.let_go());  // its task is on its way
  EXPECT_THAT(state.made_there("another", 1), ElementsAre(7));
  EXPECT_TRUE(state.let_go());
}

}  // namespace
}  // namespace penstock::client
