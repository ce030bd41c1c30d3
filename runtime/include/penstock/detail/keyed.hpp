// Keys of elements: how a node asks for them and how it remembers them.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "penstock/detail/invoke.hpp"
#include "penstock/detail/node.hpp"

namespace penstock::detail {

template <class K>
concept Hashable = requires(const K& key) {
  { std::hash<K>{}(key) } -> std::convertible_to<std::size_t>;
  { key == key } -> std::convertible_to<bool>;
};

template <class K>
concept Ordered = requires(const K& key) {
  { key < key } -> std::convertible_to<bool>;
};

// Hashes where it can.
template <class K, class V>
using KeyMap = std::conditional_t<Hashable<K>, std::unordered_map<K, V>, std::map<K, V>>;

// What a key function makes of an element; explains at compile time what cannot be a key.
template <class Key, class T>
struct KeyCall {
  static constexpr bool kOk = std::is_invocable_v<const Key&, const T&>;
  static_assert(kOk || !Known<T>,
                "the key function cannot be called with the element type of the stream: it must be "
                "K key(const T&), and const");
  using K = std::remove_cvref_t<typename std::conditional_t<
      kOk, std::invoke_result<const Key&, const T&>, std::type_identity<int>>::type>;
  static_assert(kCopyable<K>,
                "a key is remembered, so it must be copyable: give a key function whose result is");
  static_assert(Hashable<K> || Ordered<K>,
                "a key must have std::hash and ==, or <: give a key function whose result has them, "
                "std::string or int for example");
  static constexpr bool kFits = kOk && kCopyable<K> && (Hashable<K> || Ordered<K>);
};
template <class Key, class T>
using KeyOf = typename KeyCall<Key, T>::K;

// Calls key(element), which belongs to the user, and then use(const K&).
template <class Key, class T, class Use>
void call_key(NodeBase& node, Delivery& delivery, const Key& key, const T& element, Use&& use) {
  using Result = std::invoke_result_t<const Key&, const T&>;
  if constexpr (std::is_lvalue_reference_v<Result>) {
    call_user(
        node, delivery, [&] { return std::addressof(std::invoke(key, element)); },
        [&](auto* made) { use(std::as_const(*made)); });
  } else {
    call_user(
        node, delivery, [&] { return std::invoke(key, element); },
        [&](auto&& made) { use(std::as_const(made)); });
  }
}

}  // namespace penstock::detail
