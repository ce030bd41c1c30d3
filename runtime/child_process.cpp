#include "runtime/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

class SpawnActions {
 public:
  SpawnActions(const ChildCommand& command, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    if (command.working_directory) {
      ::posix_spawn_file_actions_addchdir_np(&actions_, command.working_directory->c_str());
    }
  }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// A group of its own, and signals as a program expects them, whatever this one does with its own.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&signals, signal);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<std::string> environment_of(const ChildCommand& command) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : command.environment) entries.push_back(name + "=" + value);
  const std::size_t extra = entries.size();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const auto overridden = [entry](const std::string& other) {
      return std::strncmp(*entry, other.c_str(), other.find('=') + 1) == 0;
    };
    bool keep = true;
    for (std::size_t i = 0; i < extra && keep; ++i) keep = !overridden(entries[i]);
    if (keep) entries.emplace_back(*entry);
  }
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void cannot_start(const ChildCommand& command, int reason) {
  std::string text = "from_process(): cannot start " + command.text() + ": " +
                     std::generic_category().message(reason);
  std::error_code ignored;
  if (command.working_directory && !std::filesystem::is_directory(*command.working_directory, ignored)) {
    text += " (is working_directory '" + command.working_directory->string() + "' a folder?)";
  }
  throw Error(text);
}

// The kernel would then wait for the child itself.
void check_can_wait(const ChildCommand& command) {
  struct sigaction action {};
  ::sigaction(SIGCHLD, nullptr, &action);
  if (action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0) return;
  throw Error("from_process(): cannot start " + command.text() +
              ": this program ignores SIGCHLD, so that no exit status can be had; handle it by default");
}

std::string status_text(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return "was ended by signal " + std::to_string(WTERMSIG(status)) +
           (name != nullptr ? std::string(" (SIG") + name + ")" : "");
  }
  if (WEXITSTATUS(status) == 0) return "";
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string ChildCommand::text() const {
  std::string all = "'";
  for (const auto& argument : arguments) all += (all.size() > 1 ? " " : "") + argument;
  return all + "'";
}

// Delegates, so that its destructor ends what it has begun when it throws.
ChildProcess::ChildProcess(const ChildCommand& command) : ChildProcess() {
  check_can_wait(command);
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) cannot_start(command, errno);
  output_ = pipe[0];
  auto arguments = command.arguments;
  auto environment = environment_of(command);
  const SpawnActions actions(command, pipe[1]);
  const SpawnAttributes attributes;
  int reason = ::posix_spawnp(&pid_, arguments.front().c_str(), actions.get(), attributes.get(),
                              pointers(arguments).data(), pointers(environment).data());
  ::close(pipe[1]);
  if (reason != 0) {
    pid_ = -1;
  } else {
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    // glibc 2.36 declares pidfd_open() for C only.
    exit_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (exit_ < 0) reason = errno;
  }
  if (reason != 0) cannot_start(command, reason);
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    signal_group(SIGKILL);
    reap();
  }
  if (output_ >= 0) ::close(output_);
  if (exit_ >= 0) ::close(exit_);
}

void ChildProcess::signal_group(int signal) const { ::kill(-pid_, signal); }

std::string ChildProcess::reap() {
  const pid_t pid = std::exchange(pid_, -1);
  int status = 0;
  for (;;) {
    if (::waitpid(pid, &status, 0) == pid) return status_text(status);
    if (errno != EINTR) return "has exited with a status that something else in this program took";
  }
}

}  // namespace penstock::detail
