// Lines from bytes that arrive in pieces.
#include "penstock/detail/line_splitter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kTooLong =
    "test: a line is left out, since it has more than max_line_bytes (4) bytes";

// All lines that are there; an error stands among them in brackets.
std::vector<std::string> lines(LineSplitter& splitter) {
  std::vector<std::string> found;
  for (;;) {
    try {
      auto line = splitter.next();
      if (!line) return found;
      found.push_back(std::move(*line));
    } catch (const Error& error) {
      found.push_back("[too long]");
      EXPECT_STREQ(error.what(), kTooLong);
    }
  }
}

std::vector<std::string> lines_of(LineSplitter& splitter, std::string_view bytes) {
  splitter.append(bytes);
  return lines(splitter);
}

TEST(LineSplitter, GivesLinesWithoutTheirDelimiter) {
  LineSplitter splitter("test", "\n", 100);
  EXPECT_THAT(lines_of(splitter, "one\n\ntwo\nthr"), ElementsAre("one", "", "two"));
  EXPECT_THAT(lines_of(splitter, "ee\n"), ElementsAre("three"));
  EXPECT_EQ(splitter.rest(), std::nullopt);
}

TEST(LineSplitter, GivesTheRestAtTheEndAndBeginsAnew) {
  LineSplitter splitter("test", "\n", 100);
  EXPECT_THAT(lines_of(splitter, "one\ntwo"), ElementsAre("one"));
  EXPECT_EQ(splitter.rest(), "two");
  EXPECT_EQ(splitter.rest(), std::nullopt);
  EXPECT_THAT(lines_of(splitter, "three\n"), ElementsAre("three"));
}

TEST(LineSplitter, FindsDelimitersThatStraddlePieces) {
  for (std::size_t piece = 1; piece < 8; ++piece) {
    LineSplitter splitter("test", "<br>", 4);
    const std::string all = "a<br>b<b<br><br>four<br>fiver<br>six<br>seventeen<b<br>end<b";
    std::vector<std::string> found;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      for (auto& line : lines_of(splitter, all.substr(at, piece))) found.push_back(std::move(line));
    }
    EXPECT_THAT(found, ElementsAre("a", "b<b", "", "four", "[too long]", "six", "[too long]")) << piece;
    EXPECT_THROW(splitter.rest(), Error);  // end<b
  }
}

TEST(LineSplitter, TakesTheFirstOfDelimitersThatOverlap) {
  LineSplitter splitter("test", "aab", 100);
  EXPECT_THAT(lines_of(splitter, "xaa"), IsEmpty());
  EXPECT_THAT(lines_of(splitter, "ab"), ElementsAre("xa"));
}

TEST(LineSplitter, TellsOfALineThatIsTooLongOnceAndAsSoonAsItIs) {
  LineSplitter splitter("test", "\n", 4);
  EXPECT_THAT(lines_of(splitter, "1234"), IsEmpty());
  EXPECT_THAT(lines_of(splitter, "5"), ElementsAre("[too long]"));
  EXPECT_THAT(lines_of(splitter, "6789"), IsEmpty());
  EXPECT_THAT(lines_of(splitter, "0\nok\n"), ElementsAre("ok"));
  EXPECT_THAT(lines_of(splitter, "12345\nabcd\n"), ElementsAre("[too long]", "abcd"));
}

TEST(LineSplitter, LeavesOutTheRestOfALineThatIsTooLong) {
  LineSplitter splitter("test", "\n", 4);
  EXPECT_THAT(lines_of(splitter, "12345"), ElementsAre("[too long]"));
  EXPECT_THAT(lines_of(splitter, "67"), IsEmpty());
  EXPECT_EQ(splitter.rest(), std::nullopt);
  EXPECT_THAT(lines_of(splitter, "ok\n"), ElementsAre("ok"));
}

TEST(LineSplitter, HoldsNothingOfALineThatIsTooLong) {
  LineSplitter splitter("test", "\r\n", 4);
  EXPECT_THAT(lines_of(splitter, std::string(100'000, 'x')), ElementsAre("[too long]"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(lines_of(splitter, std::string(100'000, 'x')), IsEmpty());
    EXPECT_LE(splitter.size(), 1u);
  }
  EXPECT_THAT(lines_of(splitter, "\r"), IsEmpty());
  EXPECT_THAT(lines_of(splitter, "\nok\r\n"), ElementsAre("ok"));
}

TEST(LineSplitter, CanForgetWhatItHolds) {
  LineSplitter splitter("test", "\n", 4);
  EXPECT_THAT(lines_of(splitter, "12345"), ElementsAre("[too long]"));
  splitter.clear();
  EXPECT_THAT(lines_of(splitter, "new\n"), ElementsAre("new"));
}

// Quadratic, it would move or search 2 * 10^12 bytes.
TEST(LineSplitter, IsLinearForALineInManyPiecesAndForManyLinesInOne) {
  constexpr std::size_t kPieces = 1'000'000;
  LineSplitter long_line("test", "\r\n", 4 * kPieces);
  for (std::size_t i = 0; i < kPieces; ++i) EXPECT_THAT(lines_of(long_line, "abc\r"), IsEmpty());
  EXPECT_EQ(lines_of(long_line, "\r\n").at(0).size(), 4 * kPieces);

  LineSplitter short_lines("test", "\n", 4);
  std::string all;
  for (std::size_t i = 0; i < kPieces; ++i) all += "abc\n";
  EXPECT_EQ(lines_of(short_lines, all).size(), kPieces);
}

TEST(LineSplitter, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(LineSplitter("test", "", 1), Error);
  EXPECT_THROW(LineSplitter("test", "\n", 0), Error);
}

}  // namespace
}  // namespace penstock::detail
