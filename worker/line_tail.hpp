// Cuts a stream of bytes into lines, passes them on, and keeps the last ones as evidence.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace penstock::worker {

class LineTail {
 public:
  static constexpr std::size_t kMaxLines = 20;
  static constexpr std::size_t kMaxBytes = 4096;  // also of one line: longer ones are cut in pieces

  // `forward` gets each line without its end.
  explicit LineTail(std::function<void(std::string_view line)> forward);

  void feed(std::string_view bytes);
  // Nothing more will come: what has no line end yet is a line.
  void finish();
  // The last lines, each with its end.
  std::string last_lines() const;
  void clear();

 private:
  void take_line(std::string line);

  std::function<void(std::string_view line)> forward_;
  std::string partial_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::worker
