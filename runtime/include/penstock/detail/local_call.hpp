// How a local node calls the user's function: as a worker would (detail/invoke.hpp), except that
// the function may also return an awaitable.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "penstock/detail/invoke.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {

template <class T>
struct IsAwaitable : std::false_type {};
template <class T, class Executor>
struct IsAwaitable<asio::awaitable<T, Executor>> : std::true_type {
  using Value = T;
};

// What f(T, extra...) returns; explains at compile time what cannot be called.
template <class F, class T, class... Extra>
using CallResult = std::remove_cvref_t<typename ElementCall<F, T, Extra...>::Raw>;

// The element as one's own: moved, or copied where others have it too.
template <class T, class U>
T keep(U&& value) {
  if constexpr (std::is_constructible_v<T, U&&>) {
    return T(std::forward<U>(value));
  } else {
    throw Error("an element that cannot be copied has several takers, and one wants to keep it");
  }
}

// `value` is const T& or T&&; it is copied or moved only where the function wants an rvalue.
template <class F, class U, class... Extra>
decltype(auto) call_with(const F& function, U&& value, const Extra&... extra) {
  using T = std::remove_cvref_t<U>;
  if constexpr (!ElementCall<F, T, Extra...>::kOk) {
    return typename ElementCall<F, T, Extra...>::Raw();  // the error has been reported
  } else if constexpr (ElementCall<F, T, Extra...>::kFit == Fit::kConst) {
    return std::invoke(function, std::as_const(value), extra...);
  } else if constexpr (std::is_rvalue_reference_v<U&&>) {
    return std::invoke(function, std::move(value), extra...);
  } else {
    return std::invoke(function, keep<T>(value), extra...);
  }
}

}  // namespace penstock::detail
