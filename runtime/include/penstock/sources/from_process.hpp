// from_process(command): runs a program and emits the lines that it writes to its standard output, without
// their delimiter.
//
//   auto lines = penstock::from_process({"journalctl", "--follow", "--output=json"}, {.restart = true});
//   lines.map(parse).sink(store);
//   lines.start();
//
//   child  -a\nb\n--c|      exits with status 0
//   out    -a,b-----c|
//
// The command is an argument vector; no shell sees it. Its program is looked for in PATH. The child leads a
// process group of its own, reads /dev/null, shares stderr with this program and inherits no other open file.
// Output is taken only when all lines before were delivered, so a slow stream fills the pipe and the child
// waits in its write. At most a line and 64 KiB are in memory.
//
// When the child has exited and what it wrote was emitted, the last piece even without a delimiter, it is
// over. With status 0 the stream ends, and drain() waits for that. Any other status, or a signal, is an Error
// with the command and the status, and the source stands still until the next start(); so is a command that
// cannot be started. What the child leaves behind in its process group is sent SIGTERM.
//
// With {.restart = true} the stream never ends: however the child exits, on_notice is told, and it is started
// again after a pause. Pauses grow while children live for less than longest_pause. A command that cannot be
// started is reported and tried again too.
//
// stop(), close() and destroy() send SIGTERM to the process group, drop what it still writes, and send
// SIGKILL to what is left of it after kill_after. The child is always waited for: no zombie stays. A start()
// meanwhile waits for its end. When the io_context of its loop goes before a stop, it is killed at once. Only
// a program that dies cannot end its children; they notice when they write. Who waits for all children of the
// program, waitpid(-1), may take the status away, which is an Error. Where SIGCHLD is ignored no child can be
// started.
//
// Errors obey the policy of the source. A line of more than max_line_bytes is one, and is left out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "penstock/reconnect.hpp"
#include "penstock/source.hpp"

namespace penstock {

struct FromProcessOptions {
  bool restart = false;              // start it again whenever it exits
  ReconnectOptions reconnect = {};   // how long to wait before that
  std::optional<std::filesystem::path> working_directory = {};  // none: that of this program
  std::vector<std::pair<std::string, std::string>> environment = {};  // in addition to that of this program
  std::string delimiter = "\n";                               // one byte or more
  std::size_t max_line_bytes = std::size_t{1} << 20;          // without the delimiter; at least 1
  Duration kill_after = std::chrono::seconds{2};              // from SIGTERM to SIGKILL; not negative
  LoopRef loop = {};
};

// Throws Error for an empty command and for options that make no sense. start() starts the child.
Source<std::string> from_process(std::vector<std::string> command, FromProcessOptions options = {});

}  // namespace penstock
