// s.filter(predicate): passes the elements for which predicate(x) is true.
//
//   in   -1--2--3--4--|
//   out  ----2-----4--|      filter(x is even)
//
// emit() waits for downstream; a dropped element makes it wait for nothing, and its token is released. What
// the predicate throws obeys the node's policy.
#pragma once

#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class F, class T>
class FilterNode : public Operator<FilterNode<F, T>, T, T> {
 public:
  FilterNode(NodeBase::Place place, F predicate)
      : Operator<FilterNode, T, T>(std::move(place), "filter"), predicate_(std::move(predicate)) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    call_user(
        *this, delivery,
        [&]() -> bool { return std::invoke(predicate_, std::as_const(value)); },
        [&](bool passes) {
          if (passes) this->push_down(std::forward<U>(value), delivery);
        });
  }

 private:
  const F predicate_;
};

}  // namespace detail

template <class T>
template <class F>
Stream<T> Stream<T>::filter(F predicate) const {
  constexpr bool kFits = std::is_invocable_r_v<bool, const F&, const T&>;
  static_assert(kFits || !detail::Known<T>,
                "filter() needs a predicate bool(const T&) for the element type of the stream");
  if constexpr (kFits) {
    return handle(attach<detail::FilterNode<F, T>>(std::move(predicate)));
  } else {
    return *this;
  }
}

}  // namespace penstock
