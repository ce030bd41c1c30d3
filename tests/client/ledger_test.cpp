#include "client/core/ledger.hpp"

#include <gtest/gtest.h>

namespace penstock::client {
namespace {

TEST(Ledger, GivesAscendingIds) {
  Ledger<int> ledger;
  const auto first = ledger.add(1);
  EXPECT_LT(first, ledger.add(2));
}

TEST(Ledger, SettlesEachEntryOnce) {
  Ledger<std::string> ledger;
  const auto id = ledger.add("a");
  EXPECT_EQ(ledger.settle(id), "a");
  EXPECT_EQ(ledger.settle(id), std::nullopt);
  EXPECT_EQ(ledger.dropped(), 1u);
}

TEST(Ledger, DropsAndCountsAnOutcomeItDoesNotKnow) {
  Ledger<int> ledger;
  EXPECT_EQ(ledger.settle(7), std::nullopt);
  EXPECT_EQ(ledger.dropped(), 1u);
}

TEST(Ledger, ListsWhatIsUnsettledInOrderOfSubmission) {
  Ledger<int> ledger;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(ledger.add(i));
  for (int i = 0; i < 100; i += 2) ledger.settle(ids[i]);
  const auto left = ledger.unsettled();
  ASSERT_EQ(left.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(left[i], ids[2 * i + 1]);
}

TEST(Ledger, FindsAnEntryUntilItIsSettled) {
  Ledger<int> ledger;
  const auto id = ledger.add(5);
  ASSERT_NE(ledger.find(id), nullptr);
  EXPECT_EQ(*ledger.find(id), 5);
  ledger.settle(id);
  EXPECT_EQ(ledger.find(id), nullptr);
  EXPECT_EQ(ledger.size(), 0u);
}

}  // namespace
}  // namespace penstock::client
