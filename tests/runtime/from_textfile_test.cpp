// from_textfile() that ends with its file; tail_test.cpp has the others.
#include <sys/stat.h>

#include <optional>

#include "tests/runtime/stream_support.hpp"
#include "tests/runtime/temp_folder.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
namespace fs = std::filesystem;

class FromTextfile : public ::testing::Test {
 protected:
  Source<std::string> lines(FromTextfileOptions options = {}) {
    options.loop = loop;
    return from_textfile(folder / "file", std::move(options));
  }

  // All lines, or the error.
  std::vector<std::string> read(FromTextfileOptions options = {}) {
    const auto source = lines(std::move(options));
    auto out = source.sink_to_vector();
    source.start();
    try {
      source.drain();
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), error_expected);
    }
    return out.values();
  }
  std::vector<std::string> read(const std::string& text, FromTextfileOptions options = {}) {
    folder.write("file", text);
    return read(std::move(options));
  }

  // How far the process has read into the file; none when it is not open.
  std::optional<std::size_t> position() const {
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (fs::read_symlink(entry.path(), gone) != folder / "file") continue;
      std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
      std::string word;
      std::size_t value = 0;
      while (info >> word >> value) {
        if (word == "pos:") return value;
      }
    }
    return std::nullopt;
  }

  TempFolder folder;
  VirtualLoop loop;
  std::string error_expected = "no error";
};

TEST_F(FromTextfile, EmitsTheLinesAndThenEnds) {
  folder.write("file", "one\n\ntwo\nthree");
  const auto source = lines();
  auto out = source.partition(3).sink_to_vector();
  source.start();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre("one", "", "two"), ElementsAre("three")));
  EXPECT_EQ(position(), std::nullopt);
}

TEST_F(FromTextfile, ADelimiterAtTheEndMakesNoEmptyLine) {
  EXPECT_THAT(read("one\n"), ElementsAre("one"));
  EXPECT_THAT(read(""), IsEmpty());
  EXPECT_THAT(read("\n"), ElementsAre(""));
}

TEST_F(FromTextfile, TakesAnyDelimiterAlsoAcrossChunks) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 40'000; ++i) {
    expected.push_back("line" + std::to_string(i) + "<b");
    text += expected.back() + "<br>";
  }
  ASSERT_GT(text.size(), 8u * 65'536);
  EXPECT_EQ(read(text, {.delimiter = "<br>"}), expected);
  EXPECT_THAT(read(std::string("a\0b\0", 4), {.delimiter = std::string(1, '\0')}), ElementsAre("a", "b"));
}

TEST_F(FromTextfile, ReadsLinesLongerThanAChunk) {
  const std::string line(1'000'000, 'x');
  EXPECT_THAT(read(line + "\nshort\n" + line), ElementsAre(line, "short", line));
}

TEST_F(FromTextfile, ALineThatIsTooLongIsAnErrorAndIsLeftOut) {
  error_expected = "from_textfile('" + (folder / "file").string() +
                   "'): a line is left out, since it has more than max_line_bytes (5) bytes";
  EXPECT_THAT(read("12345\n123456\nok\n", {.max_line_bytes = 5}), ElementsAre("12345", "ok"));
  EXPECT_THAT(read(std::string(500'000, 'x') + "\nok", {.max_line_bytes = 5}), ElementsAre("ok"));
  EXPECT_THAT(read("ok\n123456", {.max_line_bytes = 5}), ElementsAre("ok"));
}

TEST_F(FromTextfile, FromTheEndThereIsNothingButWhatCameSince) {
  folder.write("file", "old\n");
  const auto source = lines({.from_end = true});
  auto out = source.sink_to_vector();
  source.start();
  source.drain();
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(FromTextfile, AMissingFileIsAnErrorAndTheNextStartTriesAgain) {
  const auto source = lines();
  auto out = source.sink_to_vector();
  source.start();
  loop.run();
  try {
    source.drain();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(),
              "from_textfile(): cannot open '" + (folder / "file").string() + "': No such file or directory");
  }
  folder.write("file", "one");
  source.start();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre("one"));
}

TEST_F(FromTextfile, RefusesWhatIsNoRegularFile) {
  fs::create_directory(folder / "file");
  error_expected = "from_textfile(): cannot read '" + (folder / "file").string() + "': Is a directory";
  EXPECT_THAT(read(), IsEmpty());
  fs::remove(folder / "file");
  ASSERT_EQ(mkfifo((folder / "file").c_str(), 0600), 0);
  error_expected = "from_textfile(): cannot read '" + (folder / "file").string() +
                   "': it is no regular file; use from_process({\"cat\", path}) for it";
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FromTextfile, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(lines({.delimiter = ""}), Error);
  EXPECT_THROW(lines({.poll_interval = 0s}), Error);
  EXPECT_THROW(lines({.max_line_bytes = 0}), Error);
}

TEST_F(FromTextfile, NeverReadsMoreThanAChunkAhead) {
  constexpr std::size_t kLineBytes = 1'000;
  const std::string line(kLineBytes - 1, 'x');
  for (int i = 0; i < 300; ++i) folder.append("file", line + "\n");
  const auto source = lines();
  Gate gate;
  std::size_t seen = 0;
  source.sink([&](const std::string&) -> asio::awaitable<void> {
    ++seen;
    co_await gate.pass();
  });
  source.start();
  loop.run();
  EXPECT_EQ(position(), 65'536u);
  while (gate.waiting() > 0) {
    gate.open_for_one();
    loop.run();
    if (seen < 300) {
      EXPECT_LE(position().value_or(0), (seen + 1) * kLineBytes + 65'536);
    }
  }
  EXPECT_EQ(seen, 300u);
}

TEST_F(FromTextfile, GoesOnWhereItWasAfterAStopAtAnyLine) {
  std::vector<std::string> all;
  for (int i = 1; i <= 70; ++i) all.push_back(std::to_string(i));
  for (const auto& line : all) folder.append("file", line + "\n");
  for (const auto& at : all) {
    const auto source = lines();
    std::vector<std::string> seen;
    source.sink([&](const std::string& line) {
      seen.push_back(line);
      if (line == at) source.stop();
    });
    source.start();
    loop.run();
    EXPECT_EQ(seen.size(), std::stoul(at));
    source.start();
    loop.run();
    EXPECT_EQ(seen, all) << "stopped at " << at;
  }
}

TEST_F(FromTextfile, IsClosedWhenItsGraphIsGone) {
  folder.write("file", "one\ntwo\n");
  {
    const auto source = lines();
    source.sink([&](const std::string&) { source.stop(); });
    source.start();
    loop.run();
    EXPECT_EQ(position(), 8u);
    source.destroy();
  }
  loop.run();
  EXPECT_EQ(position(), std::nullopt);
}

TEST(FromTextfileOnAThread, ReadsAMillionLines) {
  TempFolder folder;
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += std::to_string(i) + "\n";
  folder.write("file", text);
  const auto source = from_textfile(folder / "file");
  long sum = 0;
  source.sink([&](const std::string& line) { sum += std::stol(line); });
  source.start();
  source.drain();
  EXPECT_EQ(sum, 499'999'500'000);
}

}  // namespace
}  // namespace penstock
