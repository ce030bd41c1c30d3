// from_process() with real programs.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/runtime/stream_support.hpp"
#include "tests/runtime/temp_folder.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Polls what other processes do; false after the deadline.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

// "" when there is no such process; else the letter of its state: Z is a zombie.
std::string state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return "";
  return text.substr(text.rfind(')') + 2, 1);
}
bool is_gone(pid_t pid) { return state_of(pid).empty(); }
// Of a grandchild, whose zombie is for others to wait for.
bool is_dead(pid_t pid) { return is_gone(pid) || state_of(pid) == "Z"; }

// Zombies count. Waits for none.
bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

class FromProcess : public ::testing::Test {
 protected:
  ~FromProcess() override {
    EXPECT_TRUE(is_let_go(token));
    EXPECT_FALSE(has_children());
  }

  Source<std::string> run(std::vector<std::string> command, FromProcessOptions options = {}) {
    options.loop = thread;
    auto source = from_process(std::move(command), std::move(options));
    source.sink([this, held = token](const std::string& line) {
      std::lock_guard lock(mutex);
      seen.push_back(line);
      changed.notify_all();
    });
    source.set_error_handler([this](std::exception_ptr error) {
      std::lock_guard lock(mutex);
      errors.push_back(what(error));
      changed.notify_all();
    });
    return source;
  }
  Source<std::string> shell(const std::string& script, FromProcessOptions options = {}) {
    auto source = run({"/bin/sh", "-c", script}, std::move(options));
    source.start();
    return source;
  }

  // An on_notice that keeps what it is told.
  auto note() {
    return [this](std::string_view text) {
      std::lock_guard lock(mutex);
      notices.emplace_back(text);
      notice_times.push_back(std::chrono::steady_clock::now());
    };
  }

  // Waits for its end; errors are those of the handler.
  static void finish(const Source<std::string>& source) {
    try {
      source.drain();
    } catch (const Error&) {
    }
  }

  // What was seen, when it is so much or the deadline has passed.
  std::vector<std::string> wait_for(std::size_t lines) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kDeadline, [&] { return seen.size() >= lines; });
    return seen;
  }
  std::vector<std::string> wait_for_errors(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kDeadline, [&] { return errors.size() >= count; });
    return errors;
  }
  // A child that tells its number first.
  pid_t pid_in_line(std::size_t line) {
    const auto lines = wait_for(line + 1);
    return lines.size() > line ? std::stoi(lines[line]) : -1;
  }

  const std::shared_ptr<int> token = std::make_shared<int>();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> seen;
  std::vector<std::string> errors;
  std::vector<std::string> notices;
  std::vector<std::chrono::steady_clock::time_point> notice_times;
  LoopThread thread;
};

TEST_F(FromProcess, EmitsTheLinesOfItsOutputAndThenEnds) {
  const auto source = run({"printf", "one\\n\\ntwo words\\nthree"});
  auto batches = source.partition(3).sink_to_vector();
  source.start();
  source.drain();
  EXPECT_THAT(seen, ElementsAre("one", "", "two words", "three"));
  EXPECT_THAT(batches.values(), ElementsAre(SizeIs(3), ElementsAre("three")));
}

TEST_F(FromProcess, NoShellSeesTheCommand) {
  const auto source = run({"echo", "$HOME; exit 1", "*"});
  source.start();
  source.drain();
  EXPECT_THAT(seen, ElementsAre("$HOME; exit 1 *"));
}

TEST_F(FromProcess, SplitsAtAnyDelimiterAndLeavesOutWhatIsTooLong) {
  const auto source = shell("printf 'a<br>123456<br>b'", {.delimiter = "<br>", .max_line_bytes = 5});
  finish(source);
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  EXPECT_THAT(wait_for_errors(1), ElementsAre(HasSubstr("more than max_line_bytes (5)")));
}

TEST_F(FromProcess, TakesAFolderAndAnEnvironment) {
  TempFolder folder;
  setenv("PENSTOCK_TEST_KEPT", "kept", 1);
  setenv("PENSTOCK_TEST_CHANGED", "old", 1);
  const auto source = shell("pwd -P; echo $PENSTOCK_TEST_KEPT $PENSTOCK_TEST_CHANGED $PENSTOCK_TEST_NEW",
                            {.working_directory = folder.string(),
                             .environment = {{"PENSTOCK_TEST_CHANGED", "changed"},
                                             {"PENSTOCK_TEST_NEW", "new"}}});
  source.drain();
  EXPECT_THAT(seen, ElementsAre(std::filesystem::canonical(folder.string()).string(), "kept changed new"));
}

TEST_F(FromProcess, AChildHasNoInputNoOtherFilesAndTheUsualSignals) {
  const int open_one = fcntl(0, F_DUPFD, 100);
  ASSERT_GE(open_one, 100);
  signal(SIGPIPE, SIG_IGN);
  const auto source = shell("cat; test -e /proc/$$/fd/" + std::to_string(open_one) +
                            " && echo open; grep SigIgn /proc/$$/status | cut -f 2");
  source.drain();
  signal(SIGPIPE, SIG_DFL);
  close(open_one);
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(std::stoull(seen[0], nullptr, 16) >> (SIGPIPE - 1) & 1, 0u);
}

TEST_F(FromProcess, AnotherStatusIsAnErrorAndTheNextStartRunsItAgain) {
  const auto source = shell("echo one; exit 3");
  finish(source);
  EXPECT_THAT(wait_for_errors(1),
              ElementsAre(HasSubstr("from_process(): '/bin/sh -c echo one; exit 3' exited with status 3")));
  source.start();
  finish(source);
  EXPECT_THAT(seen, ElementsAre("one", "one"));
  EXPECT_THAT(wait_for_errors(2), SizeIs(2));
}

TEST_F(FromProcess, ASignalIsAnError) {
  const auto source = shell("kill -KILL $$");
  finish(source);
  EXPECT_THAT(wait_for_errors(1), ElementsAre(HasSubstr("was ended by signal 9 (SIGKILL)")));
}

TEST_F(FromProcess, ACommandThatCannotBeStartedIsAnErrorWithTheReason) {
  const auto missing = run({"no-such-program-at-all", "x"});
  missing.start();
  finish(missing);
  EXPECT_THAT(wait_for_errors(1),
              ElementsAre(HasSubstr("from_process(): cannot start 'no-such-program-at-all x': "
                                    "No such file or directory")));
  errors.clear();
  const auto forbidden = run({"/etc/passwd"});
  forbidden.start();
  finish(forbidden);
  EXPECT_THAT(wait_for_errors(1), ElementsAre(HasSubstr("Permission denied")));
  errors.clear();
  const auto lost = run({"true"}, {.working_directory = "/no/such/folder"});
  lost.start();
  finish(lost);
  EXPECT_THAT(wait_for_errors(1), ElementsAre(HasSubstr("is working_directory '/no/such/folder' a folder?")));
}

TEST_F(FromProcess, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(from_process({}), Error);
  EXPECT_THROW(from_process({""}), Error);
  EXPECT_THROW(from_process({"true"}, {.delimiter = ""}), Error);
  EXPECT_THROW(from_process({"true"}, {.max_line_bytes = 0}), Error);
  EXPECT_THROW(from_process({"true"}, {.kill_after = -1ms}), Error);
  EXPECT_THROW(from_process({"true"}, {.reconnect = {.first_pause = 0s}}), Error);
}

TEST_F(FromProcess, AStopEndsTheChildAndItsGroupAndAStartRunsItAgain) {
  const auto source = shell("sleep 1000 & echo $$; echo $!; wait");
  const pid_t child = pid_in_line(0);
  const pid_t grandchild = pid_in_line(1);
  EXPECT_FALSE(is_dead(grandchild));
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(child) && is_dead(grandchild); }));
  source.start();
  const pid_t again = pid_in_line(2);
  EXPECT_NE(again, child);
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(again); }));
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(FromProcess, AChildThatIgnoresTheSignalIsKilledAfterAWhile) {
  const auto source = shell("trap '' TERM; echo $$; while :; do sleep 0.01; done", {.kill_after = 200ms});
  const pid_t child = pid_in_line(0);
  const auto before = std::chrono::steady_clock::now();
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(child); }));
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 10s);
}

TEST_F(FromProcess, AChildMayTidyUpWhenItIsStoppedEvenIfItWritesALot) {
  TempFolder folder;
  const auto source = shell("trap 'head -c 1000000 /dev/zero; echo tidy > " + (folder / "note").string() +
                                "; exit' TERM; echo $$; while :; do sleep 0.01; done",
                            {.kill_after = 20s});
  const pid_t child = pid_in_line(0);
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(child); }));
  EXPECT_TRUE(std::filesystem::exists(folder / "note"));
  EXPECT_THAT(seen, SizeIs(1));
}

TEST_F(FromProcess, AGrandchildThatIgnoresTheSignalIsKilledToo) {
  const auto source = shell("(trap '' TERM; while :; do sleep 0.01; done) & echo $$; echo $!; wait",
                            {.kill_after = 200ms});
  const pid_t child = pid_in_line(0);
  const pid_t grandchild = pid_in_line(1);
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(child) && is_dead(grandchild); }));
}

TEST_F(FromProcess, EndsWithItsChildAndNotWithWhoHasItsOutput) {
  const auto source = shell("sleep 1000 & echo $!");
  source.drain();
  EXPECT_TRUE(comes_true([&] { return is_dead(pid_in_line(0)); }));
}

TEST_F(FromProcess, AChildThatClosesItsOutputIsWaitedFor) {
  TempFolder folder;
  const auto source = shell("echo one; exec >&-; sleep 0.2; echo done > " + (folder / "note").string());
  source.drain();
  EXPECT_TRUE(std::filesystem::exists(folder / "note"));
  EXPECT_THAT(seen, ElementsAre("one"));
}

TEST_F(FromProcess, DestroyAndCloseEndTheChild) {
  const auto destroyed = shell("echo $$; exec sleep 1000");
  const pid_t first = pid_in_line(0);
  destroyed.destroy();
  EXPECT_TRUE(comes_true([&] { return is_gone(first); }));
  const auto closed = shell("echo $$; exec sleep 1000");
  const pid_t second = pid_in_line(1);
  closed.close();
  EXPECT_TRUE(comes_true([&] { return is_gone(second); }));
}

TEST_F(FromProcess, AChildGoesWithTheContextOfItsLoop) {
  pid_t child = -1;
  {
    asio::io_context io;
    const auto source =
        from_process({"/bin/sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.01; done"}, {.loop = io});
    source.sink([&](const std::string& line) {
      child = std::stoi(line);
      io.stop();
    });
    source.start();
    io.run();
  }
  EXPECT_TRUE(is_gone(child));
}

TEST_F(FromProcess, ASlowStreamMakesTheChildWait) {
  std::atomic<bool> open = false;
  std::atomic<int> count = 0;
  const auto source = from_process({"/bin/sh", "-c", "echo $$; exec yes 0123456789abcde"}, {.loop = thread});
  std::promise<pid_t> told;
  source.sink([&](const std::string& line) -> asio::awaitable<void> {
    if (++count == 1) told.set_value(std::stoi(line));
    while (!open) co_await pass_time(thread, 1ms);
  });
  source.start();
  auto child = told.get_future();
  ASSERT_TRUE(arrives(child));
  const pid_t pid = child.get();
  const auto written = [&] {
    std::ifstream io("/proc/" + std::to_string(pid) + "/io");
    std::string name;
    std::size_t value = 0;
    while (io >> name >> value) {
      if (name == "wchar:") return value;
    }
    return std::size_t{0};
  };
  // It stands in its write when it sleeps in it, and has filled the pipe and our chunk.
  ASSERT_TRUE(comes_true([&] { return written() >= 65'536 && state_of(pid) == "S"; }));
  EXPECT_LE(written(), 65'536u * 4);
  EXPECT_EQ(count, 1);
  open = true;
  EXPECT_TRUE(comes_true([&] { return count > 20'000; }));  // more bytes than could wait
  source.stop();
  EXPECT_TRUE(comes_true([&] { return is_gone(pid); }));
}

TEST_F(FromProcess, RestartsAChildHoweverItExitsAndSaysSo) {
  const auto source =
      shell("echo $$; exit $(($$ % 2))",
            {.restart = true,
             .reconnect = {.first_pause = 1ms, .longest_pause = 4ms, .on_notice = note()}});
  const auto pids = wait_for(6);
  source.stop();
  std::lock_guard lock(mutex);
  ASSERT_GE(pids.size(), 6u);
  EXPECT_NE(pids[0], pids[5]);
  ASSERT_GE(notices.size(), 5u);
  EXPECT_THAT(notices[0], HasSubstr("from_process(): '/bin/sh"));
  EXPECT_THAT(notices[0], HasSubstr("exited with status "));
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(FromProcess, PausesBetweenRestartsGrow) {
  const auto source =
      run({"echo"}, {.restart = true,
                     .reconnect = {.first_pause = 20ms, .longest_pause = 10s, .on_notice = note()}});
  source.start();
  ASSERT_THAT(wait_for(5), SizeIs(::testing::Ge(5u)));
  source.stop();
  std::lock_guard lock(mutex);
  ASSERT_GE(notice_times.size(), 4u);
  EXPECT_GE(notice_times[3] - notice_times[2], 60ms);  // 80 less a quarter at most
}

TEST_F(FromProcess, ACommandThatCannotBeStartedYetIsTriedAgain) {
  TempFolder folder;
  const auto source = run({(folder / "program").string()},
                          {.restart = true, .reconnect = {.first_pause = 1ms, .longest_pause = 2ms}});
  source.start();
  EXPECT_THAT(wait_for_errors(2), SizeIs(::testing::Ge(2u)));
  std::filesystem::create_symlink("/bin/pwd", folder / "program");
  EXPECT_THAT(wait_for(1), SizeIs(::testing::Ge(1u)));
  source.stop();
}

TEST_F(FromProcess, AStopBeforeTheRestartIsItsEnd) {
  const auto source = shell("echo", {.restart = true, .reconnect = {.first_pause = 1h, .longest_pause = 1h}});
  wait_for(1);
  EXPECT_TRUE(comes_true([] { return !has_children(); }));
  source.stop();
  std::promise<void> passed;
  thread.loop()->post([&] { passed.set_value(); });
  EXPECT_TRUE(arrives(passed.get_future()));
  EXPECT_THAT(seen, SizeIs(1));
}

TEST_F(FromProcess, ManyStartsAndStopsLeaveNoChild) {
  const auto source = run({"sleep", "1000"});
  for (int i = 0; i < 50; ++i) {
    source.start();
    if (i % 3 != 0) comes_true([] { return has_children(); });
    source.stop();
  }
  EXPECT_TRUE(comes_true([] { return !has_children(); }));
}

TEST_F(FromProcess, SomebodyElseMayWaitForTheChild) {
  const auto source = shell("echo $$; exec sleep 1000");
  const pid_t child = pid_in_line(0);
  auto waited = std::async(std::launch::async, [child] { return waitpid(child, nullptr, 0); });
  kill(child, SIGKILL);
  finish(source);
  ASSERT_TRUE(arrives(waited));
  EXPECT_THAT(wait_for_errors(1), ElementsAre(::testing::AnyOf(
                                      HasSubstr("a status that something else in this program took"),
                                      HasSubstr("was ended by signal 9"))));
}

TEST_F(FromProcess, StartsNothingWhereSigchldIsIgnored) {
  signal(SIGCHLD, SIG_IGN);
  const auto source = shell("echo one");
  finish(source);
  signal(SIGCHLD, SIG_DFL);
  EXPECT_THAT(seen, IsEmpty());
  EXPECT_THAT(wait_for_errors(1), ElementsAre(HasSubstr("ignores SIGCHLD")));
}

TEST(FromProcessInVirtualTime, RunsOnAnyLoop) {
  VirtualLoop loop;
  const auto source = from_process({"/bin/sh", "-c", "echo one; echo two"}, {.loop = loop});
  auto out = source.sink_to_vector();
  source.start();
  ASSERT_TRUE(comes_true([&] {
    loop.run_pending();
    return out.values().size() == 2;
  }));
  ASSERT_TRUE(comes_true([&] {
    loop.run_pending();
    return !has_children();
  }));
  loop.run();
  source.drain();
}

}  // namespace
}  // namespace penstock
