// A file that lines are appended to, each whole or not at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::detail {

// One thread at a time.
class TextFile {
 public:
  // Throws Error, naming path and reason, when the file cannot be opened.
  TextFile(std::string path, bool truncate);
  ~TextFile();  // writes what waits, and tells nobody of an error
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  // Adds a line to those that wait, and writes them when they have more than `wait_bytes`. Throws Error
  // when that fails, and forgets the line; those before it go on waiting. True: nothing waits any more.
  bool append(std::string_view text, std::string_view end_of_line, std::size_t wait_bytes);
  // Writes what waits. Throws Error.
  void flush();

 private:
  // Returns how many bytes were written; less than all of them: errno says why.
  std::size_t write_waiting();
  // Takes back the last bytes of the file, where it can.
  void take_back(std::size_t bytes);
  [[noreturn]] void throw_error(const char* what) const;

  const std::string path_;
  const int file_;
  std::string waiting_;
};

}  // namespace penstock::detail
