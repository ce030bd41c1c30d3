// Lines from bytes that arrive in pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::detail {

// Holds at most one line, of max_line_bytes, and what was appended last, when next() is called until it
// has no more. Linear in the bytes, however many pieces a line comes in. One thread at a time.
//
//   splitter.append(chunk);
//   while (auto line = splitter.next()) ...
class LineSplitter {
 public:
  // `subject` begins what its errors say: "from_textfile('a.txt')". Throws Error for a delimiter that is
  // empty and for no bytes.
  LineSplitter(std::string subject, std::string delimiter, std::size_t max_line_bytes);

  void append(std::string_view bytes);

  // The next line, without its delimiter; none: more bytes are needed. Throws Error, once, for a line of
  // more than max_line_bytes, as soon as it is that long; the line is left out up to its delimiter.
  std::optional<std::string> next();

  // What is there of a line without its delimiter, at the end of the bytes; none when nothing is. Call it
  // when next() has no more; throws as it does. Afterwards it begins anew.
  std::optional<std::string> rest();

  // Forgets what it holds.
  void clear();

  // Bytes that it holds.
  std::size_t size() const { return bytes_.size() - begin_; }

 private:
  bool skip_overlong();
  std::string take(std::size_t end, std::size_t skip);
  void drop_to(std::size_t end);
  [[noreturn]] void throw_too_long() const;

  const std::string subject_;
  const std::string delimiter_;
  const std::size_t max_line_bytes_;
  std::string bytes_;
  std::size_t begin_ = 0;     // of the line
  std::size_t searched_ = 0;  // no delimiter begins before it
  bool overlong_ = false;     // the rest of a line is being left out
};

}  // namespace penstock::detail
