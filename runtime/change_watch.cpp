#include "runtime/change_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include "runtime/readable.hpp"

namespace penstock::detail {

ChangeWatch::ChangeWatch(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {
  const int made = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (made >= 0) inotify_.emplace(loop_->executor(), made);
}

void ChangeWatch::note_folder(const std::string& path) {
  if (!inotify_) return;
  ::inotify_add_watch(inotify_->native_handle(), path.c_str(),
                      IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
}

// By its descriptor: the path may lead to another file by now.
void ChangeWatch::note_file(int file) {
  if (!inotify_) return;
  const int handle = inotify_->native_handle();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const int watched = ::inotify_add_watch(handle, path.c_str(), IN_MODIFY);
  if (watched_file_ >= 0 && watched_file_ != watched) ::inotify_rm_watch(handle, watched_file_);
  watched_file_ = watched;
}

asio::awaitable<void> ChangeWatch::wait(Duration longest) {
  std::vector<asio::posix::stream_descriptor*> descriptors;
  if (inotify_) descriptors.push_back(&*inotify_);
  co_await until_readable(loop_, std::move(descriptors), longest);
  drop_events();
}

void ChangeWatch::drop_events() {
  if (!inotify_) return;
  alignas(inotify_event) char events[4096];
  while (::read(inotify_->native_handle(), events, sizeof(events)) > 0) {
  }
}

}  // namespace penstock::detail
