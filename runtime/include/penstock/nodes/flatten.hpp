// s.flatten(): each item of each element, which is a range, in order.
//
//   in   -[1,2]----[3]--|
//   out  -1-2------3----|
#pragma once

#include <ranges>

#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

template <class T, class Item>
class FlattenNode : public Operator<FlattenNode<T, Item>, T, Item> {
 public:
  explicit FlattenNode(NodeBase::Place place)
      : Operator<FlattenNode, T, Item>(std::move(place), "flatten") {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    if constexpr (std::is_lvalue_reference_v<U> && !std::ranges::range<const T>) {
      receive(T(value), delivery);  // a view that keeps state while it is walked
    } else {
      for (auto&& item : value) {
        // The items of a view (a span, say) belong to somebody else.
        if constexpr (std::is_lvalue_reference_v<U> || std::ranges::view<T>) {
          this->push_down(keep<Item>(item), delivery);
        } else {
          this->push_down(Item(std::move(item)), delivery);
        }
      }
    }
  }
};

}  // namespace detail

template <class T>
auto Stream<T>::flatten() const {
  static_assert(std::ranges::range<T>, "flatten() needs elements that are ranges");
  using Item = std::ranges::range_value_t<T>;
  return handle(attach<detail::FlattenNode<T, Item>>());
}

}  // namespace penstock
