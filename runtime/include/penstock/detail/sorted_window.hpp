// A window of numbers in order, for quantiles: O(log n) for each element.
//
// The order-statistics tree is that of libstdc++ (policy-based data structures), the standard
// library of every supported compiler.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <functional>
#include <utility>

#include "penstock/aggregates.hpp"
#include "penstock/detail/fifo.hpp"

namespace penstock::detail {

// The counterpart of TwoStacks for aggregates::Quantile; V is a number. NaNs are counted beside the
// tree.
template <class V>
class SortedWindow {
 public:
  using Result = Real<V>;

  SortedWindow() = default;
  SortedWindow(const SortedWindow&) = delete;
  SortedWindow& operator=(const SortedWindow&) = delete;

  std::size_t size() const { return order_.size(); }

  Result append(const aggregates::Quantile& quantile, V value, bool replaces_oldest) {
    order_.make_room();
    if (is_nan(value)) {
      order_.push({tree_.end(), true});
      ++nans_;
    } else {
      order_.push({tree_.insert({value, number_++}).first, false});
    }
    if (replaces_oldest) drop_oldest(quantile);
    return nans_ > 0 ? kNan<Result> : value_at(quantile.q);
  }

  void drop_oldest(const aggregates::Quantile&) {
    const Item& oldest = order_.front();
    if (oldest.nan) {
      --nans_;
    } else {
      tree_.erase(oldest.place);
    }
    order_.pop();
  }

  void clear() {
    order_.clear();
    tree_.clear();
    nans_ = 0;
  }

 private:
  // The number keeps equal values apart.
  using Tree = __gnu_pbds::tree<std::pair<V, std::uint64_t>, __gnu_pbds::null_type,
                                std::less<std::pair<V, std::uint64_t>>, __gnu_pbds::rb_tree_tag,
                                __gnu_pbds::tree_order_statistics_node_update>;
  struct Item {
    typename Tree::iterator place;
    bool nan;
  };

  Result value_at(double q) const {
    const double position = q * static_cast<double>(tree_.size() - 1);
    const double whole = std::floor(position);
    auto place = tree_.find_by_order(static_cast<std::size_t>(whole));
    const auto below = number(place->first);
    const auto fraction = static_cast<Result>(position - whole);
    if (fraction == 0) return below;  // the next may be infinite, or not there
    return std::lerp(below, number((++place)->first), fraction);
  }

  Tree tree_;
  Fifo<Item> order_;  // oldest first
  std::uint64_t number_ = 0;
  std::size_t nans_ = 0;
};

}  // namespace penstock::detail
