// A child process whose standard output is read, and that leads a process group.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::detail {

struct ChildCommand {
  std::vector<std::string> arguments;  // the first is the program
  std::optional<std::filesystem::path> working_directory;
  std::vector<std::pair<std::string, std::string>> environment;  // in addition

  // "'journalctl --follow'", for messages.
  std::string text() const;
};

// One thread at a time. Owns the child and two descriptors until they are taken.
class ChildProcess {
 public:
  // Throws Error with the command and the reason.
  explicit ChildProcess(const ChildCommand& command);
  // Kills the whole group and waits for the child, when that has not happened.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Each once; the caller closes it. The output does not block; `exit` is readable when the child has exited.
  int take_output() { return std::exchange(output_, -1); }
  int take_exit() { return std::exchange(exit_, -1); }

  // To its whole group, before reap() only: the child, alive or not, keeps the group's number from being
  // given to others.
  void signal_group(int signal) const;

  // Waits for the child. "" for exit status 0, else what is wrong: "exited with status 1".
  std::string reap();

 private:
  ChildProcess() = default;

  pid_t pid_ = -1;  // until it was waited for
  int output_ = -1;
  int exit_ = -1;
};

}  // namespace penstock::detail
