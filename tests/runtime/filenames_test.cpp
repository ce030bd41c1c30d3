#include <filesystem>
#include <optional>

#include "tests/runtime/stream_support.hpp"
#include "tests/runtime/temp_folder.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
namespace fs = std::filesystem;

class Filenames : public ::testing::Test {
 protected:
  void touch(const std::string& name) { folder.write(name, "x"); }
  auto note() {
    return [this](const fs::path& path) { seen.push_back(path.filename().string()); };
  }
  Source<fs::path> watch(const std::string& pattern) {
    return filenames((folder / pattern).string(), {.poll_interval = 100ms, .loop = loop});
  }

  const TempFolder folder;
  VirtualLoop loop;
  std::vector<std::string> seen;
};

TEST_F(Filenames, EmitsWhatIsThereSortedAndThenWhatAppears) {
  touch("b");
  touch("a");
  const auto source = watch("*");
  source.sink(note());
  source.start();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  touch("c");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
  loop.advance(1s);
  EXPECT_EQ(seen.size(), 3u);
  source.stop();
  loop.run();
}

TEST_F(Filenames, EmitsWholePathsThatMatchThePattern) {
  touch("one.csv");
  touch("two.txt");
  touch(".hidden.csv");
  const auto source = watch("*.csv");
  auto out = source.sink_to_vector();
  source.start();
  loop.run_pending();
  EXPECT_THAT(out.values(), ElementsAre(folder / "one.csv"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, AFolderStandsForAllInIt) {
  touch("a");
  const auto source = filenames(folder.string(), {.loop = loop});
  source.sink(note());
  source.start();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre("a"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, AFolderMayComeLater) {
  const auto source = watch("later/*");
  source.sink(note());
  source.start();
  loop.advance(300ms);
  fs::create_directory(folder / "later");
  touch("later/a");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("a"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, StopsAndGoesOnWithoutRepeatingItself) {
  touch("a");
  const auto source = watch("*");
  source.sink(note());
  source.start();
  loop.run_pending();
  source.stop();
  loop.run();  // returns: it polls no more
  touch("b");
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre("a"));
  source.start();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, AStopAndStartInOneBreathDoesNotRunItTwice) {
  touch("a");
  touch("b");
  const auto source = watch("*");
  std::vector<Duration> times;
  source.sink([&](const fs::path&) -> asio::awaitable<void> {
    times.push_back(loop.elapsed());
    co_await pass_time(loop, 1s);
  });
  source.start();
  loop.run_pending();
  source.stop();
  source.start();
  loop.advance(3s);
  EXPECT_THAT(times, ElementsAre(0s, 1s));
  source.stop();
  loop.run();
}

TEST_F(Filenames, WaitsForTheSinkBeforeTheNextName) {
  touch("a");
  touch("b");
  const auto source = watch("*");
  source.rate_limit(5s).sink(note());
  source.start();
  loop.advance(4s);
  EXPECT_THAT(seen, ElementsAre("a"));
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, CloseEndsItAndLetsItsGraphGo) {
  const auto token = std::make_shared<int>(0);
  touch("a");
  {
    const auto source = watch("*");
    auto out = source.partition(5).sink_to_vector();
    source.sink([token](const fs::path&) {});
    source.start();
    loop.run_pending();
    source.close();
    EXPECT_THAT(out.values(), ElementsAre(ElementsAre(folder / "a")));
  }
  loop.run();
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(Filenames, ForgetsFilesThatAreGoneWhenTheyAreTooMany) {
  const auto source = filenames(folder.string(), {.poll_interval = 100ms, .loop = loop, .max_names = 2});
  source.sink(note());
  source.start();
  for (const char* name : {"a", "b"}) touch(name);
  loop.advance(100ms);
  fs::remove(folder / "a");
  loop.advance(100ms);
  touch("a");  // still known
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  fs::remove(folder / "a");
  touch("c");
  loop.advance(100ms);
  touch("a");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("a", "b", "c", "a"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, InotifyTellsAtOnceOfFilesAndFolders) {
  LoopThread thread;
  const auto token = std::make_shared<int>();
  std::optional<Source<fs::path>> source =
      filenames((folder / "*").string(), {.poll_interval = 1h, .loop = thread});
  std::promise<void> first, second;
  source->sink([&, held = token](const fs::path& path) {
    if (path.filename() == "first") first.set_value();
    if (path.filename() == "second") second.set_value();
  });
  source->start();
  touch("first");
  EXPECT_TRUE(arrives(first.get_future()));
  touch("other");
  fs::rename(folder / "other", folder / "second");
  EXPECT_TRUE(arrives(second.get_future()));
  source->stop();
  source.reset();
  EXPECT_TRUE(is_let_go(token));
}

TEST_F(Filenames, RefusesToPollWithoutPause) {
  EXPECT_THROW(filenames(folder.string(), {.poll_interval = 0s}), Error);
}

TEST_F(Filenames, RefusesPatternsThatNoNameWouldEverMatch) {
  const auto refusal = [](const std::string& pattern) -> std::string {
    try {
      filenames(pattern);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(""), ::testing::HasSubstr("the pattern is empty: name a folder"));
  EXPECT_THAT(refusal((folder / "**" / "*.csv").string()), ::testing::HasSubstr("** is not known"));
}

TEST_F(Filenames, FoldersMayHaveWildcardsToo) {
  for (const char* day : {"day1", "day2", "other"}) fs::create_directory(folder / day);
  touch("day2/b.csv");
  touch("day1/a.csv");
  touch("other/c.csv");
  touch("day1/d.txt");
  const auto source = watch("day?/*.csv");
  source.sink(note());
  source.start();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre("a.csv", "b.csv"));
  fs::create_directory(folder / "day3");
  touch("day3/e.csv");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("a.csv", "b.csv", "e.csv"));
  source.stop();
  loop.run();
}

TEST_F(Filenames, AQuestionMarkIsOneCharacter) {
  for (const char* name : {"1.csv", "12.csv", "2.csv"}) touch(name);
  const auto source = watch("?.csv");
  source.sink(note());
  source.start();
  loop.run_pending();
  EXPECT_THAT(seen, ElementsAre("1.csv", "2.csv"));
  source.stop();
  loop.run();
}

}  // namespace
}  // namespace penstock
