#include "worker/line_tail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::worker {
namespace {

using ::testing::ElementsAre;

class WorkerLineTail : public ::testing::Test {
 protected:
  std::vector<std::string> forwarded_;
  LineTail tail_{[this](std::string_view line) { forwarded_.emplace_back(line); }};
};

TEST_F(WorkerLineTail, PutsLinesTogetherFromPieces) {
  tail_.feed("he");
  tail_.feed("llo\nwor");
  EXPECT_THAT(forwarded_, ElementsAre("hello"));
  tail_.feed("ld\n\n");
  EXPECT_THAT(forwarded_, ElementsAre("hello", "world", ""));
}

TEST_F(WorkerLineTail, TakesWhatHasNoEndForALineWhenNothingMoreComes) {
  tail_.feed("Segmentation fault");
  tail_.finish();
  EXPECT_EQ(tail_.last_lines(), "Segmentation fault\n");
}

TEST_F(WorkerLineTail, KeepsTheLastTwentyLines) {
  for (int line = 0; line < 100; ++line) tail_.feed(std::to_string(line) + "\n");
  EXPECT_EQ(forwarded_.size(), 100u);
  EXPECT_EQ(tail_.last_lines().substr(0, 6), "80\n81\n");
}

TEST_F(WorkerLineTail, KeepsFourKilobytesAtMost) {
  for (int line = 0; line < 10; ++line) tail_.feed(std::string(999, 'a') + "\n");
  EXPECT_EQ(tail_.last_lines().size(), 4000u);
}

TEST_F(WorkerLineTail, CutsAnEndlessLineInPieces) {
  tail_.feed(std::string(1'000'000, 'a'));
  EXPECT_EQ(forwarded_.size(), 1'000'000 / (LineTail::kMaxBytes - 1));
  EXPECT_LE(tail_.last_lines().size(), LineTail::kMaxBytes);
}

}  // namespace
}  // namespace penstock::worker
