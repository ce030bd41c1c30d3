#include "penstock/detail/ordered_queue.hpp"

#include <gtest/gtest.h>

namespace penstock::detail {
namespace {

struct OrderedQueueTest : testing::Test {
  CellPtr push() {
    auto cell = std::make_shared<Cell>();
    queue->push(nullptr, cell);
    return cell;
  }
  static void settle(const CellPtr& cell, std::string value) {
    cell->settle({std::move(value), nullptr, {}});
  }
  std::string pop() {
    auto item = queue->pop();
    if (!item) return "nothing";
    return item->cell ? item->cell->outcome().value : "end";
  }

  int announced = 0;
  std::shared_ptr<OrderedQueue> queue =
      std::make_shared<OrderedQueue>([this] { ++announced; });
};

TEST_F(OrderedQueueTest, HandsOutInOrderWhateverSettlesFirst) {
  auto a = push(), b = push(), c = push();
  settle(c, "c");
  settle(b, "b");
  EXPECT_EQ(announced, 0);
  EXPECT_EQ(pop(), "nothing");
  settle(a, "a");
  EXPECT_EQ(announced, 1);
  EXPECT_EQ(pop(), "a");
  EXPECT_EQ(pop(), "b");
  EXPECT_EQ(pop(), "c");
  EXPECT_EQ(pop(), "nothing");
}

TEST_F(OrderedQueueTest, AnnouncesOnceUntilItWasFoundEmpty) {
  auto a = push(), b = push();
  settle(a, "a");
  settle(b, "b");
  EXPECT_EQ(announced, 1);
  while (pop() != "nothing") {
  }
  settle(push(), "c");
  EXPECT_EQ(announced, 2);
}

TEST_F(OrderedQueueTest, KeepsTheEndBehindTheElements) {
  auto a = push();
  queue->push_end({});
  EXPECT_EQ(pop(), "nothing");
  settle(a, "a");
  EXPECT_EQ(pop(), "a");
  EXPECT_EQ(pop(), "end");
}

TEST_F(OrderedQueueTest, GivesItsCellsBackWhenItIsAbandoned) {
  auto a = push(), b = push();
  EXPECT_EQ(queue->abandon(), (std::vector<CellPtr>{a, b}));
  settle(a, "a");
  EXPECT_EQ(announced, 0);
  EXPECT_EQ(pop(), "nothing");
}

TEST_F(OrderedQueueTest, ByKeyWaitsForThoseOfTheSameKeyOnly) {
  const auto by_key = std::make_shared<OrderedQueue>([this] { ++announced; }, OrderedQueue::By::kKey);
  queue = by_key;
  std::vector<CellPtr> cells;
  for (const std::uint64_t key : {1, 2, 1, 2}) {
    cells.push_back(std::make_shared<Cell>());
    queue->push(nullptr, cells.back(), key);
  }
  queue->push_end({});
  EXPECT_EQ(queue->size(), 4u);
  settle(cells[2], "1b");
  EXPECT_EQ(pop(), "nothing");
  settle(cells[1], "2a");
  EXPECT_EQ(pop(), "2a");
  EXPECT_EQ(pop(), "nothing");
  settle(cells[0], "1a");
  EXPECT_EQ(pop(), "1a");
  EXPECT_EQ(pop(), "1b");
  EXPECT_EQ(pop(), "nothing");
  settle(cells[3], "2b");
  EXPECT_EQ(pop(), "2b");
  EXPECT_EQ(pop(), "end");
}

}  // namespace
}  // namespace penstock::detail
