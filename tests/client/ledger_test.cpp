#include "client/core/ledger.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

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

TEST(Ledger, KeepsThoseThatStayBehind) {
  Ledger<std::uint64_t> ledger;
  std::vector<std::uint64_t> behind;
  for (std::uint64_t i = 1; i <= 100'000; ++i) {
    const auto id = ledger.add(i);
    ASSERT_EQ(id, i);
    if (i % 1000 == 1) {
      behind.push_back(id);
    } else {
      ASSERT_EQ(ledger.settle(id), i);
    }
  }
  EXPECT_EQ(ledger.size(), behind.size());
  EXPECT_EQ(ledger.unsettled(), behind);
  for (const auto id : behind) {
    ASSERT_NE(ledger.find(id), nullptr);
    EXPECT_EQ(*ledger.find(id), id);
    EXPECT_EQ(ledger.settle(id), id);
    EXPECT_EQ(ledger.settle(id), std::nullopt);
  }
  EXPECT_EQ(ledger.size(), 0u);
  EXPECT_EQ(ledger.add(0), 100'001u);
}

// Against a plain map.
TEST(Ledger, IsRightInAnyOrder) {
  Ledger<int> ledger;
  std::map<std::uint64_t, int> model;
  std::mt19937 random(1);
  for (int step = 0; step < 200'000; ++step) {
    if (random() % 2 == 0 || model.empty()) {
      model.emplace(ledger.add(step), step);
    } else {
      // Mostly old ones, sometimes one that is not there.
      auto one = model.lower_bound(random() % 8 == 0 ? random() % (model.rbegin()->first + 2) : 0);
      if (one == model.end()) one = model.begin();
      EXPECT_EQ(ledger.settle(one->first), one->second);
      EXPECT_EQ(ledger.find(one->first), nullptr);
      model.erase(one);
    }
    ASSERT_EQ(ledger.size(), model.size());
  }
  std::vector<std::uint64_t> ids;
  for (const auto& [id, entry] : model) {
    ids.push_back(id);
    EXPECT_EQ(*ledger.find(id), entry);
  }
  EXPECT_EQ(ledger.unsettled(), ids);
}

}  // namespace
}  // namespace penstock::client
