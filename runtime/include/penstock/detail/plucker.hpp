// The functions behind s.pluck(...): see nodes/pluck.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "penstock/detail/invoke.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {

template <class T>
concept HasKeys = requires(const T& map, const typename T::key_type& key) {
  { map.find(key)->second } -> std::convertible_to<const typename T::mapped_type&>;
};

// Throws std::out_of_range for a key that an element has not.
template <class K>
[[noreturn]] void throw_no_such_key(const K& key) {
  std::string name;
  if constexpr (std::is_convertible_v<const K&, std::string>) {
    name = '"' + std::string(key) + '"';
  } else if constexpr (std::is_arithmetic_v<K>) {
    name = std::to_string(key);
  }
  throw std::out_of_range("pluck(" + name + "): this element has no such key");
}

// Each tells what it plucks out of an element.
template <class Member>
struct PluckMember {
  std::tuple<Member> made_of;  // see function_codec.hpp
  template <class T>
  decltype(auto) operator()(const T& element) const {
    return std::invoke(std::get<0>(made_of), element);
  }
};

struct PluckIndex {
  std::size_t index;
  template <class T>
  decltype(auto) operator()(const T& element) const {
    const auto size = static_cast<std::size_t>(std::ranges::size(element));
    if (index >= size) {
      throw std::out_of_range("pluck(" + std::to_string(index) + "): this element has " +
                              std::to_string(size) + " items");
    }
    return std::ranges::begin(element)[static_cast<std::ranges::range_difference_t<T>>(index)];
  }
};

template <class K>
struct PluckKey {
  K key;
  template <class T>
  const auto& operator()(const T& element) const {
    const auto found = element.find(key);
    if (found == element.end()) throw_no_such_key(key);
    return found->second;
  }
};

template <class T, class Part>
concept IndexOf = std::ranges::random_access_range<const T> && std::ranges::sized_range<const T> &&
                  std::is_integral_v<Part>;

// Whether make_pluck<T>(part) is there.
template <class T, class Part>
consteval bool can_pluck() {
  return std::is_member_pointer_v<Part> || HasKeys<T> || IndexOf<T, Part>;
}

// What `part` plucks out of a T.
template <class T, class Part>
auto make_pluck(Part part) {
  constexpr bool kMember = std::is_member_pointer_v<Part>;
  if constexpr (kMember) {
    return PluckMember<Part>{{part}};
  } else if constexpr (HasKeys<T>) {
    return PluckKey<typename T::key_type>{std::move(part)};
  } else if constexpr (IndexOf<T, Part>) {
    if (std::cmp_less(part, 0)) throw Error("pluck(): an index must not be negative");
    return PluckIndex{static_cast<std::size_t>(part)};
  } else {
    static_assert(kMember,
                  "pluck() takes an index for random access ranges, a key for maps, or a pointer to a "
                  "member; for tuples and pairs say pluck<0>()");
  }
}

// One part, or several as a tuple.
template <class... Plucks>
struct Plucker {
  static constexpr const char* kName = "pluck";
  std::tuple<Plucks...> made_of;

  template <class T>
  auto operator()(const T& element) const {
    if constexpr (sizeof...(Plucks) == 1) {
      return take(std::get<0>(made_of), element);
    } else {
      // Braces: in order.
      return std::apply(
          [&](const Plucks&... pluck) {
            return std::tuple<decltype(take(pluck, element))...>{take(pluck, element)...};
          },
          made_of);
    }
  }

 private:
  template <class Pluck, class T>
  static auto take(const Pluck& pluck, const T& element) {
    using Part = std::remove_cvref_t<decltype(pluck(element))>;
    static_assert(std::is_constructible_v<Part, decltype(pluck(element))>,
                  "pluck() copies a part of each element, and this part cannot be copied: use map(), "
                  "which can move it");
    return Part(pluck(element));
  }
};

// How many items a tuple has; for what is none, which is another error, more than anybody asks for.
template <class T>
consteval std::size_t most_items() {
  if constexpr (TupleLike<T>) return std::tuple_size_v<T>;
  return static_cast<std::size_t>(-1);
}

template <std::size_t kIndex>
struct PluckElement {
  template <class T>
  const auto& operator()(const T& element) const {
    return std::get<kIndex>(element);
  }
};

// Both explain at compile time what cannot be plucked.
template <class T, std::size_t... kIndices>
consteval bool check_pluck() {
  static_assert(TupleLike<T> || !Known<T>,
                "pluck<I>() needs elements like std::tuple, std::pair or std::array; say "
                "pluck(i) for others");
  constexpr bool kThere = ((kIndices < most_items<T>()) && ...);
  static_assert(kThere, "pluck<I>(): the elements of the stream have fewer items");
  return TupleLike<T> && kThere;
}
template <class T, class... Parts>
consteval bool check_pluck() {
  constexpr bool kFits = (can_pluck<T, Parts>() && ...);
  static_assert(kFits || !Known<T>,
                "pluck() takes an index for random access ranges, a key for maps, or a pointer to a "
                "member; for tuples and pairs say pluck<0>()");
  return kFits;
}

template <class T, class... Parts>
auto make_plucker(Parts... parts) {
  return Plucker<decltype(make_pluck<T>(std::move(parts)))...>{{make_pluck<T>(std::move(parts))...}};
}

}  // namespace penstock::detail
