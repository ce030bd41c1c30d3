#include "penstock/detail/line_splitter.hpp"

#include <algorithm>
#include <utility>

#include "penstock/error.hpp"

namespace penstock::detail {

LineSplitter::LineSplitter(std::string subject, std::string delimiter, std::size_t max_line_bytes)
    : subject_(std::move(subject)), delimiter_(std::move(delimiter)), max_line_bytes_(max_line_bytes) {
  if (delimiter_.empty()) throw Error(subject_ + ": delimiter must not be empty");
  if (max_line_bytes_ == 0) throw Error(subject_ + ": max_line_bytes must be at least 1");
}

// Moving what is left only when it is the smaller part keeps the whole linear.
void LineSplitter::append(std::string_view bytes) {
  if (begin_ >= size()) {
    bytes_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
  }
  bytes_.append(bytes);
}

std::optional<std::string> LineSplitter::next() {
  if (overlong_ && !skip_overlong()) return std::nullopt;
  const std::size_t found = bytes_.find(delimiter_, searched_);
  if (found != std::string::npos) {
    if (found - begin_ <= max_line_bytes_) return take(found, delimiter_.size());
    drop_to(found + delimiter_.size());
    throw_too_long();
  }
  // The last bytes may be the beginning of a delimiter.
  const std::size_t open = delimiter_.size() - 1;
  searched_ = std::max(begin_, bytes_.size() - std::min(bytes_.size(), open));
  if (searched_ - begin_ <= max_line_bytes_) return std::nullopt;
  overlong_ = true;
  drop_to(searched_);
  throw_too_long();
}

std::optional<std::string> LineSplitter::rest() {
  const bool none = overlong_ || size() == 0;
  const bool too_long = !none && size() > max_line_bytes_;
  std::optional<std::string> line;
  if (!none && !too_long) line = take(bytes_.size(), 0);
  clear();
  if (too_long) throw_too_long();
  return line;
}

void LineSplitter::clear() {
  bytes_.clear();
  begin_ = searched_ = 0;
  overlong_ = false;
}

// True when the end of the line was found.
bool LineSplitter::skip_overlong() {
  const std::size_t found = bytes_.find(delimiter_, searched_);
  overlong_ = found == std::string::npos;
  drop_to(overlong_ ? bytes_.size() - std::min(size(), delimiter_.size() - 1) : found + delimiter_.size());
  return !overlong_;
}

std::string LineSplitter::take(std::size_t end, std::size_t skip) {
  std::string line = bytes_.substr(begin_, end - begin_);
  drop_to(end + skip);
  return line;
}

void LineSplitter::drop_to(std::size_t end) { begin_ = searched_ = end; }

void LineSplitter::throw_too_long() const {
  throw Error(subject_ + ": a line is left out, since it has more than max_line_bytes (" +
              std::to_string(max_line_bytes_) + ") bytes");
}

}  // namespace penstock::detail
