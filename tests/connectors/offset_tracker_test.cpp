// Which offsets may be committed.
#include "connectors/kafka/offset_tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace penstock::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;


struct Tracker : testing::Test {
  Tracker() { tracker.assign("t", 0); }
  OffsetTracker::Position add(std::int64_t offset) { return tracker.add("t", 0, offset).value(); }

  OffsetTracker tracker{100};
};

TEST_F(Tracker, HasNothingToCommitAtFirst) {
  const auto first = add(0);
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
  tracker.done(first);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1}));
}

TEST_F(Tracker, CommitsWhatIsBeforeTheFirstThatIsNotDone) {
  const auto a = add(0), b = add(1), c = add(2);
  tracker.done(c);
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
  tracker.done(a);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1}));
  tracker.done(b);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 3}));
}

TEST_F(Tracker, TakesGapsOfACompactedTopicAsDone) {
  const auto a = add(7), b = add(1'000), c = add(1'001);
  tracker.done(b);
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
  tracker.done(a);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1'001}));
  tracker.done(c);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1'002}));
}

TEST_F(Tracker, KeepsPartitionsApart) {
  tracker.assign("t", 1);
  const auto a = add(5), b = tracker.add("t", 1, 5).value();
  tracker.done(b);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 1, 6}));
  tracker.done(a);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 6}));
}

TEST_F(Tracker, GivesACommitOnceUntilItIsToldThatItFailed) {
  tracker.done(add(0));
  const auto taken = tracker.take_commits();
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
  tracker.not_committed(taken[0]);
  EXPECT_EQ(tracker.take_commits(), taken);
  tracker.committed(taken[0]);
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
}

TEST_F(Tracker, AnOlderFailureDoesNotBringBackANewerCommit) {
  tracker.done(add(0));
  const auto older = tracker.take_commits();
  tracker.done(add(1));
  const auto newer = tracker.take_commits();
  tracker.not_committed(older[0]);
  EXPECT_THAT(tracker.take_commits(), IsEmpty());
  tracker.committed(newer[0]);
  EXPECT_THAT(tracker.take_all_commits(), IsEmpty());
}

TEST_F(Tracker, TheLastCommitHasWhatIsUnderWayToo) {
  tracker.done(add(0));
  const auto taken = tracker.take_commits();
  EXPECT_EQ(tracker.take_all_commits(), taken);
}

TEST_F(Tracker, ForgetsARevokedPartition) {
  const auto a = add(0), b = add(1);
  tracker.done(a);
  tracker.revoke("t", 0);
  EXPECT_THAT(tracker.take_all_commits(), IsEmpty());
  EXPECT_EQ(tracker.outstanding(), 0u);
  EXPECT_FALSE(tracker.add("t", 0, 2));
  tracker.done(b);
  EXPECT_THAT(tracker.take_all_commits(), IsEmpty());
}

TEST_F(Tracker, DoesNotMistakeElementsOfAnEarlierAssignment) {
  const auto late = add(0);
  tracker.revoke("t", 0);
  tracker.assign("t", 0);
  const auto again = add(0);
  tracker.done(late);
  EXPECT_THAT(tracker.take_commits(), IsEmpty()) << "what was read again is on its way";
  tracker.done(again);
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1}));
}

TEST_F(Tracker, HasRoomUpToItsLimit) {
  std::vector<OffsetTracker::Position> positions;
  for (int offset = 0; offset < 100; ++offset) {
    EXPECT_TRUE(tracker.has_room());
    positions.push_back(add(offset));
  }
  EXPECT_FALSE(tracker.has_room());
  tracker.done(positions[1]);
  EXPECT_FALSE(tracker.has_room()) << "the gap before it keeps it";
  tracker.done(positions[0]);
  EXPECT_TRUE(tracker.has_room());
  EXPECT_EQ(tracker.outstanding(), 98u);
  tracker.revoke("t", 0);
  EXPECT_EQ(tracker.outstanding(), 0u);
}

TEST_F(Tracker, ATokenThatIsReleasedTwiceCountsOnce) {
  const auto a = add(0);
  add(1);
  tracker.done(a);
  tracker.done(a);
  EXPECT_EQ(tracker.outstanding(), 1u);
}

TEST_F(Tracker, GoesBackWithATopicThatWasMadeAnew) {
  tracker.done(add(50));
  for (const auto& commit : tracker.take_commits()) tracker.committed(commit);
  tracker.done(add(0));
  EXPECT_THAT(tracker.take_commits(), ElementsAre(Commit{"t", 0, 1}));
}

// Against the simplest that can be right: a list of all elements of the assignment.
TEST(OffsetTracker, AgreesWithASimpleModelInAnyOrder) {
  struct Entry {
    std::int64_t offset;
    OffsetTracker::Position position;
    bool done = false;
  };
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    OffsetTracker tracker(1'000'000);
    std::vector<std::vector<Entry>> model(3);
    std::vector<OffsetTracker::Position> of_the_past;
    std::int64_t next = 0;
    for (int partition = 0; partition < 3; ++partition) tracker.assign("t", partition);
    for (int step = 0; step < 500; ++step) {
      const auto partition = static_cast<int>(random() % 3);
      auto& entries = model[partition];
      const auto choice = random() % 100;
      if (choice < 45) {
        next += 1 + (random() % 5 == 0 ? random() % 100 : 0);
        entries.push_back({next, tracker.add("t", partition, next).value()});
      } else if (choice < 95 && !entries.empty()) {
        Entry& entry = entries[random() % entries.size()];
        entry.done = true;
        tracker.done(entry.position);
      } else if (choice == 95) {
        for (const auto& entry : entries) of_the_past.push_back(entry.position);
        entries.clear();
        tracker.assign("t", partition);
      } else if (!of_the_past.empty()) {
        tracker.done(of_the_past[random() % of_the_past.size()]);
      }
      std::vector<Commit> expected;
      std::size_t outstanding = 0;
      for (int of = 0; of < 3; ++of) {
        const auto open = std::ranges::find(model[of], false, &Entry::done);
        outstanding += static_cast<std::size_t>(model[of].end() - open);
        if (open != model[of].begin()) expected.push_back({"t", of, std::prev(open)->offset + 1});
      }
      ASSERT_THAT(tracker.take_all_commits(), testing::UnorderedElementsAreArray(expected))
          << "seed " << seed;
      ASSERT_EQ(tracker.outstanding(), outstanding);
    }
  }
}

}  // namespace
}  // namespace penstock::kafka
