#include "penstock/detail/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "penstock/error.hpp"

namespace penstock::detail {

TextFile::TextFile(std::string path, bool truncate)
    : path_(std::move(path)),
      file_(::open(path_.c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncate ? O_TRUNC : 0), 0666)) {
  if (file_ < 0) throw_error("open");
}

TextFile::~TextFile() {
  write_waiting();
  ::close(file_);
}

bool TextFile::append(std::string_view text, std::string_view end_of_line, std::size_t wait_bytes) {
  const std::size_t before = waiting_.size();
  waiting_.append(text).append(end_of_line);
  if (waiting_.size() <= wait_bytes) return waiting_.empty();
  const std::size_t written = write_waiting();
  const bool all = written == waiting_.size();
  const int reason = errno;
  if (!all) {
    if (written > before) take_back(written - before);
    waiting_.resize(before);
  }
  waiting_.erase(0, std::min(written, waiting_.size()));
  if (all) return true;
  errno = reason;
  throw_error("write to");
}

void TextFile::flush() {
  const std::size_t written = write_waiting();
  const bool all = written == waiting_.size();
  waiting_.erase(0, written);
  if (!all) throw_error("write to");
}

std::size_t TextFile::write_waiting() {
  std::size_t written = 0;
  while (written < waiting_.size()) {
    const auto wrote = ::write(file_, waiting_.data() + written, waiting_.size() - written);
    if (wrote > 0) {
      written += static_cast<std::size_t>(wrote);
    } else if (wrote == 0 || errno != EINTR) {
      break;
    }
  }
  return written;
}

// Pipes and devices cannot take back; there a part of the line stays.
void TextFile::take_back(std::size_t bytes) {
  struct stat status {};
  if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (::ftruncate(file_, status.st_size - static_cast<off_t>(bytes)) != 0) return;
}

void TextFile::throw_error(const char* what) const {
  throw Error("sink_to_textfile(): cannot " + std::string(what) + " '" + path_ +
              "': " + std::generic_category().message(errno));
}

}  // namespace penstock::detail
