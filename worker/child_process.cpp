#include "worker/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

extern char** environ;

namespace penstock::worker {
namespace {

std::vector<std::string> merged_environment(const Spawn& spawn) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(spawn.variables.begin(), spawn.variables.end(),
                                      [&](const auto& variable) { return variable.first == name; });
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [name, value] : spawn.variables)
    merged.push_back(absl::StrCat(name, "=", value));
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

// posix_spawn's settings, freed at the end.
struct Settings {
  Settings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~Settings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

void settle(Settings& settings, const Spawn& spawn, int stderr_fd) {
  posix_spawn_file_actions_addopen(&settings.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.files, stderr_fd, STDERR_FILENO);
  if (spawn.inherited_fd >= 0) {  // onto itself: clears close-on-exec in the child only
    posix_spawn_file_actions_adddup2(&settings.files, spawn.inherited_fd, spawn.inherited_fd);
  }
  // The child begins with default signals, whatever our application ignores or blocks.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

std::string Death::in_words() const {
  if (signal == 0 && exit_code < 0) return "unknown cause";
  if (signal == 0) return absl::StrCat("exit code ", exit_code);
  const char* name = sigabbrev_np(signal);
  return absl::StrCat("signal ", signal, name != nullptr ? absl::StrCat(" (SIG", name, ")") : "");
}

absl::StatusOr<ChildProcess> ChildProcess::spawn(const Spawn& spawn) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const std::string& title = spawn.title.empty() ? spawn.program : spawn.title;
  std::vector<std::string> arguments{title};
  arguments.insert(arguments.end(), spawn.args.begin(), spawn.args.end());
  std::vector<std::string> environment = merged_environment(spawn);

  Settings settings;
  settle(settings, spawn, pipe_fds[1]);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, spawn.program.c_str(), &settings.files, &settings.attributes,
                                pointers(arguments).data(), pointers(environment).data());
  close(pipe_fds[1]);
  if (error != 0) {
    close(pipe_fds[0]);
    return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", title));
  }
  fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
  return ChildProcess(pid, pipe_fds[0]);
}

ChildProcess::ChildProcess(pid_t pid, int stderr_fd)
    : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))), stderr_fd_(stderr_fd) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      stderr_fd_(std::exchange(other.stderr_fd_, -1)),
      death_(other.death_) {}

ChildProcess::~ChildProcess() {
  if (pid_ != 0 && !death_) {
    kill_group();
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
  }
  if (pidfd_ >= 0) close(pidfd_);
  if (stderr_fd_ >= 0) close(stderr_fd_);
}

std::optional<Death> ChildProcess::try_wait() {
  if (death_) return death_;
  const auto id = static_cast<id_t>(pid_);
  siginfo_t info{};
  if (waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    // The application ignores SIGCHLD or reaps all children: it is gone, and how is not known.
    if (errno == ECHILD) death_ = Death{};
    return death_;
  }
  if (info.si_pid == 0) return std::nullopt;
  // What it had started goes with it, while its process id still names the group.
  kill_group();
  waitid(P_PID, id, &info, WEXITED);
  death_ = info.si_code == CLD_EXITED ? Death{info.si_status, 0} : Death{-1, info.si_status};
  return death_;
}

void ChildProcess::send(int signal) const {
  if (!death_) kill(pid_, signal);
}

void ChildProcess::kill_group() const {
  if (!death_) kill(-pid_, SIGKILL);
}

}  // namespace penstock::worker
