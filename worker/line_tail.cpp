#include "worker/line_tail.hpp"

#include <utility>

namespace penstock::worker {

LineTail::LineTail(std::function<void(std::string_view)> forward) : forward_(std::move(forward)) {}

void LineTail::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t room = kMaxBytes - 1 - partial_.size();
    if (end != std::string_view::npos && end <= room) {
      partial_.append(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      take_line(std::exchange(partial_, {}));
    } else {
      const std::string_view piece = bytes.substr(0, room);
      partial_.append(piece);
      bytes.remove_prefix(piece.size());
      if (partial_.size() == kMaxBytes - 1) take_line(std::exchange(partial_, {}));
    }
  }
}

void LineTail::finish() {
  if (!partial_.empty()) take_line(std::exchange(partial_, {}));
}

std::string LineTail::last_lines() const {
  std::string all;
  for (const std::string& line : lines_) {
    all += line;
    all += '\n';
  }
  return all;
}

void LineTail::clear() {
  partial_.clear();
  lines_.clear();
  bytes_ = 0;
}

void LineTail::take_line(std::string line) {
  if (forward_) forward_(line);
  bytes_ += line.size() + 1;
  lines_.push_back(std::move(line));
  while (lines_.size() > kMaxLines || bytes_ > kMaxBytes) {
    bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
  }
}

}  // namespace penstock::worker
