// How elements pass from node to node: small ones in registers, the others by reference.
#pragma once

#include <type_traits>

namespace penstock::detail {

// Containers claim to be copyable whatever they hold.
template <class T>
struct IsCopyable : std::is_copy_constructible<T> {};
template <class T>
  requires requires { typename T::value_type; } && (!std::is_same_v<typename T::value_type, T>)
struct IsCopyable<T> : std::bool_constant<std::is_copy_constructible_v<T> &&
                                          IsCopyable<typename T::value_type>::value> {};
template <class T>
inline constexpr bool kCopyable = IsCopyable<T>::value;

// Whether a node may keep a copy to try a failed element again, or to pass it on with the error.
template <class T>
inline constexpr bool kRetriable = kCopyable<T>;

enum class Passing {
  kRegister,   // by value: no memory is touched
  kReference,  // const T&, or T&& for the last taker
  kMove,       // T&& only: there can be one taker
};

template <class T>
inline constexpr Passing kPassing = [] {
  if (!kCopyable<T>) return Passing::kMove;
  if (std::is_trivially_copyable_v<T> && sizeof(T) <= 2 * sizeof(void*)) return Passing::kRegister;
  return Passing::kReference;
}();

}  // namespace penstock::detail
