// s.sliding_window(n): for each element, the last n elements, as a vector. Until there are n it
// emits what there is; with return_partial = false it emits nothing.
//
//   in   -1----2------3------|
//   out  -[1]--[1,2]--[2,3]--|      sliding_window(2)
//   out  ------[1,2]--[2,3]--|      sliding_window(2, false)
//
// The vector is passed on where it is and copied only by who keeps it. For its sum, mean, quantiles
// and the like, window(n) costs less than O(n). emit() waits for downstream.
//
// Each window carries the tokens of all its elements; the end lets go of them and emits nothing. n = 0 throws
// Error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "penstock/detail/window_tokens.hpp"
#include "penstock/nodes/accumulate.hpp"

namespace penstock {
namespace detail {

template <class T>
class SlidingWindowNode : public Operator<SlidingWindowNode<T>, T, std::vector<T>> {
 public:
  SlidingWindowNode(NodeBase::Place place, std::size_t n, bool return_partial)
      : Operator<SlidingWindowNode, T, std::vector<T>>(std::move(place), "sliding_window"),
        n_(n),
        return_partial_(return_partial) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    T element = keep<T>(std::forward<U>(value));
    std::vector<T>& window = window_.get();
    if (window.size() == n_) {
      std::move(std::next(window.begin()), window.end(), window.begin());
      window.back() = std::move(element);
    } else {
      window.push_back(std::move(element));
    }
    tokens_.add(next_++, delivery.token());
    const Token left = tokens_.drop_before(next_ - window.size());
    if (window.size() < n_ && !return_partial_) return;
    const WithToken all(delivery, tokens_.joined());
    window_.push_down(*this, delivery);
  }

  void flush(Delivery&) {
    window_.get().clear();
    tokens_.drop_all();
  }

 private:
  const std::size_t n_;
  const bool return_partial_;
  RunningState<std::vector<T>> window_{std::vector<T>()};
  WindowTokens tokens_;
  std::uint64_t next_ = 0;  // the number of the next element
};

}  // namespace detail

template <class T>
Stream<std::vector<T>> Stream<T>::sliding_window(std::size_t n, bool return_partial) const {
  static_assert(detail::kCopyable<T> && std::is_move_assignable_v<T>,
                "sliding_window() passes each element on several times and moves it, so the "
                "elements must be copyable and assignable: map what is not to a std::shared_ptr");
  if (n == 0) throw Error("sliding_window(n): n must be at least 1");
  return handle(attach<detail::SlidingWindowNode<T>>(n, return_partial));
}

}  // namespace penstock
