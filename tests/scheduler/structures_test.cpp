// The core's containers on their own: TaskTable, TaskIndex, Lane, Deadlines, and the texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "scheduler/core/deadlines.hpp"
#include "scheduler/core/lane.hpp"
#include "scheduler/core/task_index.hpp"
#include "scheduler/core/task_table.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT

TEST(TaskTable, FindsNothingByTheIdOfAPastTask) {
  TaskTable table;
  Lane lane;
  Task& task = table.acquire();
  task.lane = &lane;
  const TaskId old = task.id();
  EXPECT_EQ(table.find(old), &task);
  table.release(task);
  EXPECT_EQ(table.find(old), nullptr);
  Task& next = table.acquire();
  next.lane = &lane;
  EXPECT_EQ(&next, &task);
  EXPECT_NE(next.id(), old);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_EQ(table.find(TaskId{0}), nullptr);
  EXPECT_EQ(table.find(TaskId{~std::uint64_t{0}}), nullptr);
}

TEST(TaskIndex, StaysSmallWhileOneOldTaskIsUnfinished) {
  TaskIndex index;
  std::vector<Task> tasks(3);
  tasks[0].client_task = 1;
  index.add(tasks[0]);
  for (std::uint64_t id = 2; id < 100'000; ++id) {
    Task& task = tasks[1 + id % 2];
    task.client_task = id;
    index.add(task);
    index.remove(task);
    ASSERT_EQ(index.find(id), nullptr);
  }
  EXPECT_EQ(index.find(1), &tasks[0]);
  EXPECT_EQ(index.front(), &tasks[0]);
  index.remove(tasks[0]);
  EXPECT_EQ(index.front(), nullptr);
}

TEST(Lane, KeepsTheOrderOfSubmitHoweverTasksComeBack) {
  std::mt19937 random(7);
  std::vector<Task> tasks(200);
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i].client_task = i;
  Lane lane;
  for (int round = 0; round < 50; ++round) {
    std::vector<Task*> order;
    for (Task& task : tasks) order.push_back(&task);
    std::shuffle(order.begin(), order.end(), random);
    for (Task* task : order) lane.put_back(*task);
    std::uint64_t expected = 0;
    for (Task* task = lane.waiting.front(); task; task = TaskList::next(*task)) {
      ASSERT_EQ(task->client_task, expected++);
    }
    std::shuffle(order.begin(), order.end(), random);
    for (Task* task : order) lane.remove(*task);
    ASSERT_TRUE(lane.waiting.empty());
    ASSERT_EQ(lane.hint, nullptr);
  }
}

TEST(Deadlines, ComeInOrderOfTimeThenOfAdding) {
  Deadlines deadlines;
  const TimePoint start{1h};
  Lane first, second;
  deadlines.add(start + 2s, HeartbeatDue{});
  deadlines.add(start + 1s, LaneWaitOver{&first});
  const auto cancelled = deadlines.add(start, HeartbeatDue{});
  deadlines.add(start + 1s, LaneWaitOver{&second});
  deadlines.cancel(cancelled);
  EXPECT_EQ(deadlines.next(), start + 1s);
  EXPECT_FALSE(deadlines.take_due(start));
  EXPECT_EQ(std::get<LaneWaitOver>(*deadlines.take_due(start + 1s)).lane, &first);
  EXPECT_EQ(std::get<LaneWaitOver>(*deadlines.take_due(start + 1s)).lane, &second);
  EXPECT_FALSE(deadlines.take_due(start + 1s));
}

TEST(Wording, ShortensBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc...");
  EXPECT_EQ(shortened("a\xc3\xa4\xc3\xb6", 4), "a\xc3\xa4...");
}

TEST(Wording, KeepsTheEndOfLastLines) {
  EXPECT_EQ(last_part("short"), "short");
  const std::string text = std::string(5000, 'a') + "end";
  EXPECT_EQ(last_part(text).size(), 4096u + 3);
  EXPECT_TRUE(last_part(text).ends_with("end"));
}

TEST(Wording, ShowsNoControlCharactersOfNames) { EXPECT_EQ(quoted("a\nb"), "'a?b'"); }

TEST(Wording, ShowsTwelveDigitsOfABuild) {
  EXPECT_EQ(short_build("\x01\xab\xff\x10\x20\x30\x40"), "01abff102030");
  EXPECT_EQ(short_build("A"), "41");
}

}  // namespace
}  // namespace penstock::scheduler
