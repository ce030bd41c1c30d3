// Awaits changes of files and folders.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "penstock/loop.hpp"

namespace penstock::detail {

// Tells of changes at once where inotify does, and of the rest after a pause: on network file systems, when
// the kernel has no more watches to give, and in virtual time. On the loop's thread.
//
// Note first, look then, wait last: what changes after note() or the last wait ends the next one.
class ChangeWatch {
 public:
  explicit ChangeWatch(std::shared_ptr<Loop> loop);

  // Files that come into this folder, or leave it. A folder that is watched already, or is not there, is
  // left alone.
  void note_folder(const std::string& path);
  // Writes to this open file, until the next call.
  void note_file(int file);

  // Until something changed or `longest` has passed. Cancellation throws.
  asio::awaitable<void> wait(Duration longest);

 private:
  void drop_events();

  const std::shared_ptr<Loop> loop_;
  std::optional<asio::posix::stream_descriptor> inotify_;
  int watched_file_ = -1;
};

}  // namespace penstock::detail
