// A child process that is started, listened to, and never left behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace penstock::worker {

struct Spawn {
  std::string program;                                         // a path; not searched for
  std::string title{};                                         // its own name, as it is told; empty: the path
  std::vector<std::string> args;                               // without the program's name
  std::vector<std::pair<std::string, std::string>> variables;  // beside and above our own
  int inherited_fd = -1;  // stays open in the child under the same number
};

// How a process ended.
struct Death {
  int exit_code = -1;  // -1 when a signal ended it, or when nobody knows
  int signal = 0;      // 0 when it exited

  // "signal 11 (SIGSEGV)", "exit code 3" or "unknown cause".
  std::string in_words() const;
};

// A process group of its own, so that a terminal's Ctrl-C reaches the parent only and the parent
// decides; standard input is empty, standard output ours, standard error a pipe.
//
// The parent is the thread that spawns: it must live as long as the child, which asks the kernel to
// die with it.
class ChildProcess {
 public:
  static absl::StatusOr<ChildProcess> spawn(const Spawn& spawn);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills and reaps what still lives.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Becomes readable when the child ends; -1 where the kernel has none.
  int pidfd() const { return pidfd_; }
  // The reading end of its standard error, non-blocking.
  int stderr_fd() const { return stderr_fd_; }

  // Null while it lives. Reaps it, and kills what is left of its process group.
  std::optional<Death> try_wait();
  // To the child, or to the child and all that it started. Nothing once it is reaped.
  void send(int signal) const;
  void kill_group() const;

 private:
  ChildProcess(pid_t pid, int stderr_fd);

  pid_t pid_;
  int pidfd_;
  int stderr_fd_;
  std::optional<Death> death_;
};

}  // namespace penstock::worker
