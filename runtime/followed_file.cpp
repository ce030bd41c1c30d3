#include "runtime/followed_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "penstock/error.hpp"

namespace penstock::detail {

// Without O_NONBLOCK a pipe that nobody writes to would block here.
bool FollowedFile::open(bool may_be_missing) {
  const int opened = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (opened < 0) {
    if (may_be_missing && (errno == ENOENT || errno == ENOTDIR)) return false;
    throw_error("open", errno);
  }
  close();
  file_ = opened;
  position_ = 0;
  struct stat status {};
  if (::fstat(file_, &status) != 0) throw_error("look at", errno);
  if (S_ISREG(status.st_mode)) return true;
  close();
  throw_error("read", S_ISDIR(status.st_mode) ? EISDIR : ESPIPE);
}

void FollowedFile::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void FollowedFile::to_end() {
  const off_t end = ::lseek(file_, 0, SEEK_END);
  if (end < 0) throw_error("seek in", errno);
  position_ = static_cast<std::uint64_t>(end);
}

void FollowedFile::to_start() {
  if (::lseek(file_, 0, SEEK_SET) < 0) throw_error("seek in", errno);
  position_ = 0;
}

std::string_view FollowedFile::read() {
  chunk_.resize(kChunkBytes);
  for (;;) {
    const auto got = ::read(file_, chunk_.data(), chunk_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_error("read", errno);
    position_ += static_cast<std::uint64_t>(got);
    return {chunk_.data(), static_cast<std::size_t>(got)};
  }
}

bool FollowedFile::was_truncated() const {
  struct stat status {};
  return ::fstat(file_, &status) == 0 && static_cast<std::uint64_t>(status.st_size) < position_;
}

bool FollowedFile::was_replaced() const {
  struct stat now {};
  struct stat mine {};
  if (::stat(path_.c_str(), &now) != 0 || ::fstat(file_, &mine) != 0) return false;
  return now.st_dev != mine.st_dev || now.st_ino != mine.st_ino;
}

void FollowedFile::throw_error(const char* what, int reason) const {
  throw Error("from_textfile(): cannot " + std::string(what) + " '" + path_ + "': " +
              (reason == ESPIPE ? "it is no regular file; use from_process({\"cat\", path}) for it"
                                : std::generic_category().message(reason)));
}

}  // namespace penstock::detail
