#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

struct Point {
  int x;
  int y;
};
std::ostream& operator<<(std::ostream& out, const Point& p) { return out << p.x << '/' << p.y; }

struct Picky {
  int value;
};
std::ostream& operator<<(std::ostream& out, const Picky& picky) {
  out << picky.value;
  if (picky.value == 2) throw std::runtime_error("two");
  return out;
}

class SinkToTextfile : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path); }

  std::string text() const {
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }
  void write(const std::string& what) const { std::ofstream(path) << what; }

  // What a stream of these elements makes of the file.
  template <class T>
  std::string written(const std::vector<T>& elements) {
    Stream<T> source;
    source.sink_to_textfile(path, {.truncate = true});
    for (const T& x : elements) source.emit(x);
    return text();
  }

  const std::string path = ::testing::TempDir() + "sink_to_textfile_" +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(SinkToTextfile, WritesALineForEachElementBeforeEmitReturns) {
  Stream<std::string> source;
  auto sink = source.sink_to_textfile(path);
  EXPECT_EQ(sink.name(), "sink_to_textfile");
  source.emit("one");
  EXPECT_EQ(text(), "one\n");
  source.emit("");
  source.emit("two");
  EXPECT_EQ(text(), "one\n\ntwo\n");
}

TEST_F(SinkToTextfile, WritesStringsNumbersAndWhatCanBeStreamed) {
  EXPECT_EQ(written<int>({1, -20}), "1\n-20\n");
  EXPECT_EQ(written<double>({0.1, 1e300, 2}), "0.1\n1e+300\n2\n");
  EXPECT_EQ(written<bool>({true, false}), "true\nfalse\n");
  EXPECT_EQ(written<char>({'a'}), "a\n");
  EXPECT_EQ(written<std::uint8_t>({65}), "65\n");
  EXPECT_EQ(written<std::string_view>({"view"}), "view\n");
  EXPECT_EQ(written<Point>({{1, 2}, {3, 4}}), "1/2\n3/4\n");
}

TEST_F(SinkToTextfile, AppendsUnlessToldToTruncate) {
  write("before\n");
  Stream<int> source;
  source.sink_to_textfile(path);
  source.emit(1);
  EXPECT_EQ(text(), "before\n1\n");
  Stream<int> other;
  other.sink_to_textfile(path, {.truncate = true});
  EXPECT_EQ(text(), "");
}

TEST_F(SinkToTextfile, EndsLinesAsToldTo) {
  Stream<int> source;
  source.sink_to_textfile(path, {.end_of_line = "\r\n"});
  source.emit(1);
  source.emit(2);
  EXPECT_EQ(text(), "1\r\n2\r\n");
}

TEST_F(SinkToTextfile, AFileThatCannotBeOpenedIsRefusedWithItsPathAndTheReason) {
  Stream<int> source;
  try {
    source.sink_to_textfile("/no/such/folder/file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "sink_to_textfile(): cannot open '/no/such/folder/file': No such file or directory");
  }
  source.emit(1);  // nothing was attached
}

TEST_F(SinkToTextfile, AFullDiskIsAnErrorOfTheElement) {
  ASSERT_TRUE(std::filesystem::exists("/dev/full"));
  Stream<int> source;
  source.sink_to_textfile("/dev/full");
  try {
    source.emit(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "sink_to_textfile(): cannot write to '/dev/full': No space left on device");
  }
  Stream<int> failing;
  Stream<Failure> errors;
  auto dead = errors.map([](const Failure& f) { return std::any_cast<int>(f.element); }).sink_to_vector();
  failing.sink_to_textfile("/dev/full").on_error(ErrorPolicy::dead_letter(errors));
  failing.emit(7);
  EXPECT_THAT(dead.values(), ElementsAre(7));
}

// No file of this program grows beyond so many bytes while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  sighandler_t signal_;
  rlimit before_;
};

// While files may have so many bytes only.
bool is_refused(const Stream<std::string>& source, const std::string& line, rlim_t bytes) {
  const FileSizeLimit limit(bytes);
  try {
    source.emit(line);
    return false;
  } catch (const Error&) {
    return true;
  }
}

TEST_F(SinkToTextfile, TakesBackThePartOfALineThatFoundPlace) {
  Stream<std::string> source;
  source.sink_to_textfile(path);
  source.emit("12345");
  EXPECT_TRUE(is_refused(source, "67890", 8));
  EXPECT_EQ(text(), "12345\n");
  source.emit("again");
  EXPECT_EQ(text(), "12345\nagain\n");
}

TEST_F(SinkToTextfile, TakesBackThePartOfALineButNotWhatWaitedBeforeIt) {
  Stream<std::string> source;
  source.sink_to_textfile(path, {.buffer_bytes = 8});
  source.emit("12345");
  EXPECT_TRUE(is_refused(source, "67890", 8));
  EXPECT_EQ(text(), "12345\n");
  source.emit("again");
  source.close();
  EXPECT_EQ(text(), "12345\nagain\n");
}

TEST_F(SinkToTextfile, LinesWaitForEachOtherInABuffer) {
  Stream<std::string> source;
  source.sink_to_textfile(path, {.buffer_bytes = 5});
  source.emit("1");
  source.emit("2");
  EXPECT_EQ(text(), "");
  source.emit("3");
  EXPECT_EQ(text(), "1\n2\n3\n");
  source.emit("4");
  EXPECT_EQ(text(), "1\n2\n3\n");
  source.close();
  EXPECT_EQ(text(), "1\n2\n3\n4\n");
}

TEST_F(SinkToTextfile, WritesWhatWaitsWhenItsGraphGoes) {
  Tokens tokens;
  {
    Stream<int> source;
    source.sink_to_textfile(path, {.buffer_bytes = 100});
    source.emit(1, tokens(1));
  }
  EXPECT_EQ(text(), "1\n");
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST_F(SinkToTextfile, ATokenWaitsUntilItsLineIsWritten) {
  Tokens tokens;
  Stream<int> source;
  source.sink_to_textfile(path, {.buffer_bytes = 3});
  source.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), IsEmpty());
  source.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
  source.emit(3, tokens(3));
  source.close();
  EXPECT_EQ(tokens.released().size(), 3u);
}

TEST_F(SinkToTextfile, WhatCannotBeWrittenAtTheEndIsRaisedByClose) {
  ASSERT_TRUE(std::filesystem::exists("/dev/full"));
  Stream<int> source;
  source.sink_to_textfile("/dev/full", {.buffer_bytes = 100});
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.close(), Error);
}

TEST_F(SinkToTextfile, AFailingOperatorObeysThePolicyAndWritesNothing) {
  Stream<Picky> source;
  source.sink_to_textfile(path).on_error(ErrorPolicy::skip());
  for (int x : {1, 2, 3}) source.emit({x});
  EXPECT_EQ(text(), "1\n3\n");
}

}  // namespace
}  // namespace penstock
