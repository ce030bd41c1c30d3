// a.union_with(b, ...), a.merge(b, ...): the elements of all streams in the order in which they come.
//
//   a    -1----2------|
//   b    ---3-----4-----|
//   out  -1-3--2--4-----|
//
// Ends when the last of them ends; one that is disconnected is not waited for. More streams may be connected,
// and some disconnected, later: so when none is left that could end, it does not end by itself; close() ends
// it. emit() waits for downstream. Streams on two different loops throw LoopError.
#pragma once

#include "penstock/detail/join.hpp"

namespace penstock {
namespace detail {

template <class T>
class UnionNode : public Operator<UnionNode<T>, T, T> {
 public:
  explicit UnionNode(Place place) : Operator<UnionNode, T, T>(std::move(place), "union") {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    this->push_down(std::forward<U>(value), delivery);
  }

  // All streams come in at one place.
  template <std::size_t>
  UnionNode& port() {
    return *this;
  }
};

}  // namespace detail

template <class T>
template <class... Others>
Stream<T> Stream<T>::union_with(const Others&... others) const {
  constexpr bool kStreams = (detail::AnyStream<Others> && ...);
  static_assert(kStreams, "union_with() joins streams only");
  constexpr bool kOneType = (std::is_same_v<detail::PartOf<Others>, T> && ...);
  static_assert(kOneType || !kStreams, "union_with() needs streams of one element type: map() the others to it first");
  if constexpr (kOneType) {
    return detail::join_streams<detail::UnionNode<T>>(
        std::tuple<const Stream&, const Others&...>(*this, others...));
  } else {
    return *this;
  }
}

template <class T>
template <class... Others>
Stream<T> Stream<T>::merge(const Others&... others) const {
  return union_with(others...);
}

}  // namespace penstock
