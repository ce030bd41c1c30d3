// A file that is read as it grows, and the path that leads to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::detail {

// One thread at a time. Its errors are Error and name call, path and reason.
class FollowedFile {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

  explicit FollowedFile(std::string path) : path_(std::move(path)) {}
  ~FollowedFile() { close(); }
  FollowedFile(const FollowedFile&) = delete;
  FollowedFile& operator=(const FollowedFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  int handle() const { return file_; }

  // False when there is none and that is no error. Throws when it cannot be opened or is no regular file.
  bool open(bool may_be_missing);
  void close();
  void to_end();
  void to_start();

  // The next bytes, valid until the next call; none at the end.
  std::string_view read();

  // What became of the file that is open.
  bool was_truncated() const;
  // Another file is at the path.
  bool was_replaced() const;

 private:
  [[noreturn]] void throw_error(const char* what, int reason) const;

  const std::string path_;
  int file_ = -1;
  std::uint64_t position_ = 0;
  std::vector<char> chunk_;
};

}  // namespace penstock::detail
