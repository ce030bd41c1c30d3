// s.flatten(): each item of each element, which is a range, in order. The last item carries the token.
//
//   in   -[1,2]----[3]--|
//   out  -12-------3----|
//
// emit() waits until all items have been delivered. What is raised for one item does not keep the others
// back; what the range itself throws obeys the node's policy, and ErrorPolicy::retry passes on again what
// was passed on already. An element without items lets go of its token.
#pragma once

#include <optional>
#include <ranges>

#include "penstock/detail/stream_class.hpp"

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
      if (delivery.token()) return with_token(std::forward<U>(value), delivery);
      for (auto&& item : value) this->push_down(own<U>(item), delivery);
    }
  }

 private:
  // The items of a view (a span, say) belong to somebody else.
  template <class U, class Reference>
  static Item own(Reference&& item) {
    if constexpr (std::is_lvalue_reference_v<U> || std::ranges::view<T>) {
      return keep<Item>(item);
    } else {
      return Item(std::move(item));
    }
  }

  // The token goes with the last item, and which one that is shows only behind it.
  template <class U>
  void with_token(U&& value, Delivery& delivery) {
    std::optional<Item> held;
    {
      const WithToken none(delivery, {});
      for (auto&& item : value) {
        if (held) this->push_down(std::move(*held), delivery);
        held.emplace(own<U>(item));
      }
    }
    if (held) this->push_down(std::move(*held), delivery);
  }
};

}  // namespace detail

template <class T>
auto Stream<T>::flatten() const {
  if constexpr (std::ranges::range<T>) {
    using Item = std::ranges::range_value_t<T>;
    return handle(attach<detail::FlattenNode<T, Item>>());
  } else {
    static_assert(std::ranges::range<T> || !detail::Known<T>,
                  "flatten() needs elements that are ranges: a std::vector, another container or a view");
    return detail::refused_stream();
  }
}

}  // namespace penstock
