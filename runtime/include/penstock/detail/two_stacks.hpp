// The aggregate of a queue, for any associative operation: no operation is ever taken back, so
// nothing cancels or drifts, and what cannot be taken back (a minimum, a NaN) leaves all the same.
//
// Two stacks: newest elements go onto the back one, whose total is kept; oldest ones leave the
// front one, whose every entry is the total of itself and all that are newer in it. When the front
// one is empty, the back one is turned over. Each element is combined at most three times: O(1)
// amortised, at most O(n) for one element. (Tangwongsan, Hirzel, Schneider: Low-latency
// sliding-window aggregation in worst-case constant time, DEBS 2017, where it is the baseline; the
// general setting is theirs and Wu's in PVLDB 8(7), 2015. Their DABA spares the O(n) at twice the
// work for all others.)
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace penstock::detail {

// A is an aggregate of elements V (aggregates.hpp), given with each call. What it throws changes
// nothing.
template <class A, class V>
class TwoStacks {
 public:
  using Partial =
      std::remove_cvref_t<decltype(std::declval<const A&>().of(std::declval<const V&>()))>;
  using Result = std::remove_cvref_t<decltype(std::declval<const A&>().result(
      std::declval<const Partial&>()))>;

  std::size_t size() const { return front_.size() + back_.size(); }

  // Adds the newest, in the place of the oldest if so told, and returns the result of all.
  Result append(const A& aggregate, const V& value, bool replaces_oldest) {
    Partial newest = aggregate.of(value);
    if (replaces_oldest) expose_oldest(aggregate);
    Partial back = back_total_ ? aggregate.combine(*back_total_, newest) : newest;
    const std::size_t stay = front_.size() - (replaces_oldest ? 1 : 0);
    Result result = stay > 0 ? aggregate.result(aggregate.combine(front_[stay - 1], back))
                             : aggregate.result(back);
    back_.push_back(std::move(newest));
    back_total_ = std::move(back);
    if (replaces_oldest) front_.pop_back();
    return result;
  }

  // Neither when it is empty. Returns what was the total of all, or of those that came first.
  Partial drop_oldest(const A& aggregate) {
    expose_oldest(aggregate);
    Partial dropped = std::move(front_.back());
    front_.pop_back();
    return dropped;
  }
  Partial total(const A& aggregate) const {
    if (front_.empty()) return *back_total_;
    if (!back_total_) return front_.back();
    return aggregate.combine(front_.back(), *back_total_);
  }

  void clear() {
    front_.clear();
    back_.clear();
    back_total_.reset();
  }

 private:
  void expose_oldest(const A& aggregate) {
    if (!front_.empty()) return;
    try {
      front_.reserve(back_.size());
      for (auto each = back_.rbegin(); each != back_.rend(); ++each) {
        front_.push_back(front_.empty() ? *each : aggregate.combine(*each, front_.back()));
      }
    } catch (...) {
      front_.clear();
      throw;
    }
    back_.clear();
    back_total_.reset();
  }

  std::vector<Partial> front_;  // the last is the total of all
  std::vector<Partial> back_;   // as they came
  std::optional<Partial> back_total_;
};

}  // namespace penstock::detail
