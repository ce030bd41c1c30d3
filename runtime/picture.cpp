// Runs graphviz.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "penstock/detail/description.hpp"
#include "penstock/error.hpp"
#include "penstock/stream.hpp"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kProgram = "dot";
constexpr std::size_t kComplaint = 500;  // bytes of what the program says that go into an Error

[[noreturn]] void fail(const std::string& why) { throw Error("visualize(): " + why); }
[[noreturn]] void fail_with(const std::string& what, int error) {
  fail(what + ": " + std::strerror(error));
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

// A process in a group of its own, killed with it when nobody waited for its end.
class Process {
 public:
  // Input and complaints of the program are these descriptors.
  Process(std::vector<std::string> arguments, int input, int complaints) {
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawnp(&id_, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error == ENOENT) {
      fail(std::string("this needs the program '") + argv[0] +
           "': install graphviz, or write a .dot or .gv file");
    }
    if (error != 0) fail_with(std::string("cannot run '") + argv[0] + "'", error);
  }
  ~Process() {
    if (over_) return;
    ::kill(-id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // False: not by then. Else its status is there.
  bool wait_until(Clock::time_point deadline) {
    for (;;) {
      const pid_t ended = ::waitpid(id_, &status_, WNOHANG);
      over_ = ended == id_ || (ended < 0 && errno == ECHILD);
      if (over_) return true;
      if (Clock::now() >= deadline) return false;
      ::poll(nullptr, 0, 2);
    }
  }
  bool succeeded() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  pid_t id_ = -1;
  bool over_ = false;
  int status_ = 0;
};

// What comes out of a pipe until its other end is closed, or until the deadline.
std::string read_until(int pipe, Clock::time_point deadline) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{pipe, POLLIN, 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 60'000))) < 0) {
      if (left > 0 && errno == EINTR) continue;
      return text;
    }
    if (waiting.revents == 0) continue;
    const ssize_t count = ::read(pipe, buffer, sizeof buffer);
    if (count <= 0) return text;
    if (text.size() < kComplaint) text.append(buffer, static_cast<std::size_t>(count));
  }
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) fail("cannot write " + file.string());
}

}  // namespace

namespace detail {

void draw(const std::string& dot, std::string_view format, const std::filesystem::path& file,
          Duration timeout) {
  const auto deadline = Clock::now() + timeout;
  const std::unique_ptr<std::FILE, CloseFile> input(std::tmpfile());
  if (!input) fail_with("no temporary file", errno);
  if (std::fwrite(dot.data(), 1, dot.size(), input.get()) != dot.size() ||
      std::fflush(input.get()) != 0 || ::lseek(::fileno(input.get()), 0, SEEK_SET) != 0) {
    fail_with("cannot write a temporary file", errno);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_with("no pipe", errno);
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);

  // Under another name until it is complete.
  auto unfinished = file;
  unfinished += ".unfinished";
  Process process({kProgram, "-T" + std::string(format), "-o", unfinished.string()},
                  ::fileno(input.get()), write_end.get());
  write_end.close();
  std::string complaint = read_until(read_end.get(), deadline);
  std::error_code ignored;
  if (!process.wait_until(deadline)) {
    std::filesystem::remove(unfinished, ignored);
    fail(std::string("'") + kProgram + "' did not finish in time");
  }
  std::error_code error;
  if (process.succeeded()) std::filesystem::rename(unfinished, file, error);
  if (process.succeeded() && !error) return;
  std::filesystem::remove(unfinished, ignored);
  complaint.resize(std::min(complaint.size(), kComplaint));
  fail(error ? "cannot write " + file.string() + ": " + error.message()
             : std::string("'") + kProgram + "' failed: " + complaint);
}

}  // namespace detail

std::string NodeHandle::describe() const { return detail::to_json(detail::describe(*hold_)); }

void NodeHandle::visualize(const std::filesystem::path& file, VisualizeOptions options) const {
  const std::string ending = file.extension().string();
  const std::string dot = detail::to_dot(detail::describe(*hold_));
  if (ending == ".dot" || ending == ".gv") return write_file(file, dot);
  if (ending != ".svg" && ending != ".png") {
    fail("'" + file.string() + "' must end in .dot, .gv, .svg or .png");
  }
  detail::draw(dot, ending.substr(1), file, options.timeout);
}

}  // namespace penstock
