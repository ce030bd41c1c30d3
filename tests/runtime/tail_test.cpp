// from_textfile() that waits for more.
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "tests/runtime/stream_support.hpp"
#include "tests/runtime/temp_folder.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// In virtual time: what is found by polling.
class Tail : public ::testing::Test {
 protected:
  Source<std::string> tail(FromTextfileOptions options = {}) {
    options.tail = true;
    options.loop = loop;
    auto source = from_textfile(folder / "log", std::move(options));
    source.sink([this](const std::string& line) { seen.push_back(line); });
    source.start();
    loop.run_pending();
    return source;
  }
  void stop(const Source<std::string>& source) {
    source.stop();
    loop.run();
  }

  TempFolder folder;
  VirtualLoop loop;
  std::vector<std::string> seen;
};

TEST_F(Tail, EmitsWhatIsThereAndThenWhatComes) {
  folder.write("log", "one\n");
  const auto source = tail();
  EXPECT_THAT(seen, ElementsAre("one"));
  folder.append("log", "two\nthree\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("one", "two", "three"));
  stop(source);
}

TEST_F(Tail, AnUnterminatedPieceWaitsForItsDelimiter) {
  const auto source = tail({.delimiter = "\r\n"});
  for (const char* piece : {"on", "e\r", "\ntwo\r\nthr"}) {
    folder.append("log", piece);
    loop.advance(100ms);
  }
  EXPECT_THAT(seen, ElementsAre("one", "two"));
  loop.advance(1h);
  EXPECT_THAT(seen, ElementsAre("one", "two"));
  stop(source);
}

TEST_F(Tail, ADrainWaitsForWhatWasEmittedOnly) {
  folder.write("log", "one\n");
  const auto source = tail();
  source.drain();
  EXPECT_EQ(loop.elapsed(), 0s);
  stop(source);
}

TEST_F(Tail, FromTheEndItLeavesOutWhatIsThere) {
  folder.write("log", "old\n");
  const auto source = tail({.from_end = true});
  folder.append("log", "new\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("new"));
  stop(source);
}

TEST_F(Tail, FromTheEndAFileThatComesLaterIsReadWhole) {
  const auto source = tail({.from_end = true});
  folder.write("log", "new\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("new"));
  stop(source);
}

TEST_F(Tail, WaitsForAFileAndItsFolder) {
  const auto source = from_textfile(folder / "later/log", {.tail = true, .loop = loop});
  auto out = source.sink_to_vector();
  source.start();
  loop.advance(1s);
  std::filesystem::create_directory(folder / "later");
  folder.write("later/log", "one\n");
  loop.advance(100ms);
  EXPECT_THAT(out.values(), ElementsAre("one"));
  stop(source);
  source.drain();
}

TEST_F(Tail, FinishesAFileThatWasRotatedAndGoesOnWithTheNewOne) {
  folder.write("log", "one\n");
  const auto source = tail();
  folder.append("log", "two\nthr");
  folder.rename("log", "log.1");
  folder.append("log.1", "ee\n");
  folder.write("log", "five\n");
  loop.advance(50ms);
  folder.append("log.1", "four\n");  // by one who has not noticed
  loop.advance(500ms);
  EXPECT_THAT(seen, ElementsAre("one", "two", "three", "four", "five"));
  folder.append("log", "six\n");
  loop.advance(100ms);
  EXPECT_EQ(seen.back(), "six");
  stop(source);
}

TEST_F(Tail, WaitsForOneWhoGoesOnWithTheOldFile) {
  folder.write("log", "one\n");
  const auto source = tail();
  folder.rename("log", "log.1");
  folder.write("log", "new\n");
  for (int i = 0; i < 5; ++i) {
    loop.advance(90ms);
    folder.append("log.1", std::to_string(i) + "\n");
  }
  loop.advance(500ms);
  EXPECT_THAT(seen, ElementsAre("one", "0", "1", "2", "3", "4", "new"));
  stop(source);
}

TEST_F(Tail, TheLastPieceOfARotatedFileIsALine) {
  folder.write("log", "one\ntw");
  const auto source = tail();
  folder.rename("log", "log.1");
  folder.write("log", "three\n");
  loop.advance(500ms);
  EXPECT_THAT(seen, ElementsAre("one", "tw", "three"));
  stop(source);
}

TEST_F(Tail, ReadsAgainFromTheStartWhatWasTruncated) {
  folder.write("log", "one\ntwo\n");
  const auto source = tail();
  folder.write("log", "three\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("one", "two", "three"));
  ASSERT_EQ(truncate((folder / "log").c_str(), 0), 0);
  loop.advance(100ms);
  folder.append("log", "four and more\n");
  loop.advance(100ms);
  EXPECT_EQ(seen.back(), "four and more");
  stop(source);
}

TEST_F(Tail, GoesOnWithAFileThatVanishedUntilThereIsANewOne) {
  folder.write("log", "one\n");
  const auto source = tail();
  std::ofstream writer(folder / "log", std::ios::app);
  folder.remove("log");
  loop.advance(1s);
  writer << "two\n" << std::flush;
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre("one", "two"));
  folder.write("log", "three\n");
  loop.advance(500ms);
  EXPECT_THAT(seen, ElementsAre("one", "two", "three"));
  stop(source);
}

TEST_F(Tail, AFileThatCannotBeReadYetIsReportedOnceAndWaitedFor) {
  std::filesystem::create_directory(folder / "log");
  const auto source = tail();
  int errors = 0;
  source.set_error_handler([&](std::exception_ptr) { ++errors; });
  loop.advance(1s);
  EXPECT_EQ(errors, 0);  // it was reported before there was a handler
  EXPECT_THROW(source.drain(), Error);
  folder.remove("log");
  folder.write("log", "one\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("one"));
  stop(source);
}

TEST_F(Tail, ALineThatIsTooLongIsReportedBeforeItsEndAndLeftOut) {
  folder.write("log", "123456");
  const auto source = tail({.max_line_bytes = 5});
  EXPECT_THROW(source.drain(), Error);
  folder.append("log", "789\nok\n");
  loop.advance(100ms);
  EXPECT_THAT(seen, ElementsAre("ok"));
  stop(source);
}

TEST_F(Tail, AStopMissesNothingNotEvenARotation) {
  folder.write("log", "one\ntw");
  const auto source = tail();
  stop(source);
  folder.append("log", "o\n");
  folder.rename("log", "log.1");
  folder.write("log", "three\n");
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre("one"));
  source.start();
  loop.advance(1s);
  EXPECT_THAT(seen, ElementsAre("one", "two", "three"));
  stop(source);
}

TEST_F(Tail, CloseEndsIt) {
  folder.write("log", "one\n");
  const auto source = tail();
  source.close();
  loop.run();  // returns: it polls no more
  EXPECT_THAT(seen, ElementsAre("one"));
}

// In real time, with a pause that no test would wait for: what inotify tells.
class TailByInotify : public ::testing::Test {
 protected:
  TailByInotify() {
    source.sink([this, held = token](const std::string& line) {
      std::lock_guard lock(mutex);
      seen.push_back(line);
      changed.notify_all();
    });
    source.start();
  }
  ~TailByInotify() override {
    source.stop();
    source = Source<std::string>(from_textfile(folder / "other"));
    EXPECT_TRUE(is_let_go(token));
  }

  // What was seen, when it is so much or the deadline has passed.
  std::vector<std::string> wait_for(std::size_t lines) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kDeadline, [&] { return seen.size() >= lines; });
    return seen;
  }

  const std::shared_ptr<int> token = std::make_shared<int>();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> seen;
  TempFolder folder;
  LoopThread thread;
  Source<std::string> source =
      from_textfile(folder / "log", {.tail = true, .poll_interval = 1h, .loop = thread});
};

TEST_F(TailByInotify, SeesWhatIsWrittenAtOnce) {
  for (std::size_t i = 1; i <= 200; ++i) {
    folder.append("log", std::to_string(i) + "\n");
    ASSERT_EQ(wait_for(i).size(), i);
  }
}

TEST_F(TailByInotify, SeesAFileThatComesAndOneThatIsTruncated) {
  folder.write("other", "one\n");
  folder.rename("other", "log");
  EXPECT_THAT(wait_for(1), ElementsAre("one"));
  folder.write("log", "");
  folder.append("log", "2\n");
  EXPECT_THAT(wait_for(2), ElementsAre("one", "2"));
}

TEST_F(TailByInotify, AStopEndsTheWaitAtOnce) {
  folder.write("log", "one\n");
  EXPECT_THAT(wait_for(1), ElementsAre("one"));
  source.stop();
  folder.append("log", "two\n");
  std::promise<void> passed;
  thread.loop()->post([&] { passed.set_value(); });
  ASSERT_TRUE(arrives(passed.get_future()));
  source.start();
  EXPECT_THAT(wait_for(2), ElementsAre("one", "two"));
}

// A writer who rotates by renaming loses no line, however the two are scheduled.
TEST(TailOnAThread, LosesNothingOfAFileThatIsRotatedManyTimes) {
  TempFolder folder;
  LoopThread thread;
  const auto token = std::make_shared<int>();
  std::optional<Source<std::string>> source =
      from_textfile(folder / "log", {.tail = true, .poll_interval = 1ms, .loop = thread});
  std::vector<int> seen;
  std::mutex mutex;
  std::condition_variable changed;
  source->sink([&, held = token](const std::string& line) {
    std::lock_guard lock(mutex);
    seen.push_back(std::stoi(line));
    changed.notify_all();
  });
  source->start();
  std::vector<int> written;
  for (int file = 0; file < 30; ++file) {
    std::ofstream writer(folder / "log", std::ios::app);
    for (int line = 0; line < 100; ++line) {
      written.push_back(static_cast<int>(written.size()));
      writer << written.back() << '\n' << std::flush;
    }
    std::unique_lock lock(mutex);  // so that no file comes and goes unseen
    ASSERT_TRUE(changed.wait_for(lock, kDeadline,
                                 [&] { return !seen.empty() && seen.back() >= file * 100; }));
    lock.unlock();
    folder.rename("log", "log.1");
  }
  std::unique_lock lock(mutex);
  changed.wait_for(lock, kDeadline, [&] { return seen.size() == written.size(); });
  EXPECT_EQ(seen, written);
  lock.unlock();
  source->stop();
  source.reset();
  EXPECT_TRUE(is_let_go(token));
}

}  // namespace
}  // namespace penstock
