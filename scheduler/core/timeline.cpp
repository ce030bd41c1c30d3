#include "scheduler/core/timeline.hpp"

#include <algorithm>

namespace penstock::scheduler {

void Timeline::add(TimePoint begin, TimePoint end, const Label& label, bool failed) {
  if (size() > 0) begin = std::min(std::max(begin, pieces_.back().end), end);
  if (merge(begin, end, label, failed)) return;
  forget_before(end - kKept);
  pieces_.push_back({begin, end, label, end - begin, 1, failed, end - begin < kVisible});
}

bool Timeline::merge(TimePoint begin, TimePoint end, const Label& label, bool failed) {
  if (size() == 0) return false;
  Piece& last = pieces_.back();
  const Duration run = end - begin;
  if (!last.open || run >= kVisible || begin - last.end >= kVisible) return false;
  const bool same = last.label == label;
  if (end - last.begin >= (same ? kLongestMerged : kVisible)) return false;
  last.end = end;
  ++last.tasks;
  last.failed = last.failed || failed;
  // Of several plans in one piece, the one that has most of the time names it.
  if (same) {
    last.lead += run;
  } else if (last.lead >= run) {
    last.lead -= run;
  } else {
    last.lead = run - last.lead;
    last.label = label;
  }
  return true;
}

void Timeline::forget_before(TimePoint oldest) {
  while (first_ < pieces_.size() &&
         (pieces_[first_].end < oldest || pieces_.size() - first_ >= kMostPieces)) {
    pieces_[first_].label.reset();
    ++first_;
  }
  if (first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::vector<Span> Timeline::spans(TimePoint now) const {
  std::vector<Span> result;
  for (std::size_t i = first_; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.end < now - kKept) continue;
    result.push_back({piece.begin, piece.end, *piece.label, piece.tasks, piece.failed});
  }
  return result;
}

}  // namespace penstock::scheduler
