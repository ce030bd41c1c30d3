// What one worker thread ran in the last 30 seconds. Runs too short to see are merged with their
// neighbours, so the memory is bounded at any task rate.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/core/snapshot.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

class Timeline {
 public:
  using Label = std::shared_ptr<const std::string>;  // one object per plan

  static constexpr Duration kKept = std::chrono::seconds{30};
  static constexpr Duration kVisible = std::chrono::milliseconds{30};  // shorter: merged
  static constexpr Duration kLongestMerged = std::chrono::seconds{1};
  static constexpr std::size_t kMostPieces = 1024;  // beyond it the oldest are dropped

  // A run that ended at `end`. Calls come in the order of `end`; an overlap with the run before is
  // cut off, as outcomes arrive in batches.
  void add(TimePoint begin, TimePoint end, const Label& label, bool failed);

  std::vector<Span> spans(TimePoint now) const;
  std::size_t size() const { return pieces_.size() - first_; }

 private:
  struct Piece {
    TimePoint begin;
    TimePoint end;
    Label label;
    Duration lead;  // by how much the label's runs outweigh the others merged into this piece
    std::uint64_t tasks;
    bool failed;
    bool open;  // made of short runs: more of them may join
  };

  bool merge(TimePoint begin, TimePoint end, const Label& label, bool failed);
  void forget_before(TimePoint oldest);

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;  // pieces before it are forgotten
};

}  // namespace penstock::scheduler
