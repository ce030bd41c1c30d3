// s.slice(start, end, step): as a slice of a Python list: the elements number start, start + step,
// start + 2 * step, ... before number `end`; without an end all of them. The first is number 0.
//
//   in   -a-b-c-d-e-f--|
//   out  ---b---d-|            slice(1, 5, 2): ends with e, and f is dropped
//
// When element number end - 1 has come, downstream ends as at the end of the stream: windows and partitions
// are flushed, and the emit of that element waits for it. With end = 0 the first element does that. emit()
// of the others waits for downstream when they pass, else for nothing. slice() with step 0 throws Error.
#pragma once

#include <limits>

#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class SliceNode : public Operator<SliceNode<T>, T, T> {
 public:
  SliceNode(NodeBase::Place place, std::size_t start, std::size_t end, std::size_t step)
      : Operator<SliceNode, T, T>(std::move(place), "slice"),
        left_(end),
        until_next_(start),
        step_(step) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    if (left_ > 0) {
      --left_;
      if (until_next_ > 0) {
        --until_next_;
      } else {
        until_next_ = step_ - 1;
        ++passing_;
        this->push_down(std::forward<U>(value), delivery);
        --passing_;
      }
    }
    if (left_ == 0 && passing_ == 0) finish(delivery);
  }

 private:
  void finish(Delivery& delivery) {
    const WithToken none(delivery, {});
    this->end_down(delivery);
  }

  std::size_t left_;        // elements until the end
  std::size_t until_next_;  // elements to leave out
  const std::size_t step_;
  int passing_ = 0;  // in a cycle several pass at a time; downstream ends behind the last
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::slice(std::size_t start, std::optional<std::size_t> end, std::size_t step) const {
  if (step == 0) throw Error("slice(): step must be at least 1");
  constexpr auto kNever = std::numeric_limits<std::size_t>::max();
  return handle(attach<detail::SliceNode<T>>(start, end.value_or(kNever), step));
}

}  // namespace penstock
