#include "penstock/detail/cell.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace penstock::detail {
namespace {

using namespace std::chrono_literals;

TEST(Cell, SettlesOnce) {
  Cell cell;
  EXPECT_FALSE(cell.settled());
  cell.settle({"one", nullptr, {}});
  cell.settle({"two", nullptr, {}});
  EXPECT_TRUE(cell.settled());
  EXPECT_EQ(cell.outcome().bytes(), "one");
}

TEST(Cell, TellsWatchersInTheOrderInWhichTheyCame) {
  Cell cell;
  std::string told;
  for (const char who : {'a', 'b', 'c'}) {
    cell.watch([&told, who] { told += who; });
  }
  EXPECT_EQ(told, "");
  cell.settle({});
  EXPECT_EQ(told, "abc");
  cell.watch([&told] { told += 'd'; });
  EXPECT_EQ(told, "abcd");
}

TEST(Cell, ThatNeverSettlesFreesItsWatchers) {
  const auto owned = std::make_shared<int>(1);
  {
    Cell cell;
    cell.watch([owned] {});
    cell.watch([owned] {});
    EXPECT_EQ(owned.use_count(), 3);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Cell, WaitsForATime) {
  Cell cell;
  EXPECT_FALSE(cell.wait_for(1ms));
  cell.settle({});
  EXPECT_TRUE(cell.wait_for(0ms));
}

TEST(Cell, RemembersWhatItFollows) {
  const auto first = std::make_shared<Cell>();
  Cell second;
  EXPECT_EQ(second.followed(), nullptr);
  second.follow(first);
  EXPECT_EQ(second.followed(), first);
}

// Two that settle, two that watch and two that wait, all at once.
TEST(Cell, IsForManyThreads) {
  for (int round = 0; round < 2000; ++round) {
    const auto cell = std::make_shared<Cell>();
    std::atomic<int> told{0};
    std::vector<std::thread> threads;
    for (const char* value : {"one", "two"}) {
      threads.emplace_back([cell, value] { cell->settle({value, nullptr, {}}); });
    }
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, cell] {
        for (int k = 0; k < 3; ++k) cell->watch([&told, cell] { told += cell->outcome().bytes().size() == 3 ? 1 : 100; });
      });
      threads.emplace_back([cell] {
        cell->wait();
        EXPECT_EQ(cell->outcome().bytes().size(), 3u);
      });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(told, 6);
  }
}

}  // namespace
}  // namespace penstock::detail
