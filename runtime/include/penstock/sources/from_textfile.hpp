// from_textfile(path): emits the lines of a file, without their delimiter.
//
//   auto lines = penstock::from_textfile("orders.txt");
//   lines.map(parse).sink(store);
//   lines.start();
//   lines.drain();                                  // until the end of the file
//
//   file  -a\nb\n--c|
//   out   -a,b-----c|      without the delimiters
//
// At the end of the file the stream ends, the last piece counts as a line even without a delimiter, and
// drain() waits for that. With {.tail = true} it waits for more instead, as `tail -F` does, and an
// unterminated piece waits for its delimiter; drain() then waits for what was emitted.
//
// A tail follows the path. When another file takes its place (rotation) the old one is read to its end, until
// nothing came for a poll_interval, and then the new one from its start; of several that followed each other
// within that time, the last. A file that has become shorter is read again from its start; one that has
// grown beyond its old length again by the next look cannot be told from one that only grew. While nothing
// is at the path the tail goes on with the old file and waits for a new one. In these cases an unterminated
// piece of the old content is a line. Writes and new files are seen at once through inotify, and otherwise,
// as on network file systems, every poll_interval.
//
// It is read on the loop, 64 KiB at a time and only when all lines before were delivered; reading blocks the
// loop. At most a line and such a chunk are in memory. stop() takes effect before the next line, and keeps
// the file open; start() goes on there. The position lives as long as the source does, not longer.
//
// Errors obey the policy of the source. A line of more than max_line_bytes is one, and is left out up to its
// delimiter. A file that is missing (tail: is waited for), cannot be read or is no regular file is one too,
// and the source stands still until the next start(); for pipes and devices there is from_process({"cat",
// path}).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "penstock/source.hpp"

namespace penstock {

struct FromTextfileOptions {
  std::string delimiter = "\n";  // one byte or more
  bool tail = false;             // at the end of the file, wait for more
  bool from_end = false;         // leave out what is in the file at the first start()
  Duration poll_interval = std::chrono::milliseconds{100};  // of a tail; positive
  std::size_t max_line_bytes = std::size_t{1} << 20;        // without the delimiter; at least 1
  LoopRef loop = {};
};

// Throws Error for options that make no sense. The file is opened by start().
Source<std::string> from_textfile(const std::filesystem::path& path, FromTextfileOptions options = {});

}  // namespace penstock
