// How a node calls the user's function, the same for local streams and for workers: with a const
// reference to the element, or with an rvalue where only that compiles, and always through a const
// reference to the function. What cannot be called so is explained at compile time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace penstock::detail {

// What an extra argument is kept as: a string literal becomes a std::string.
template <class E>
using Stored = std::conditional_t<std::is_same_v<std::decay_t<E>, const char*> ||
                                      std::is_same_v<std::decay_t<E>, char*>,
                                  std::string, std::decay_t<E>>;

// A coroutine's result: asio::awaitable, and anything else that is made to be awaited.
template <class R>
concept AwaitableResult = requires(R& result) {
  result.await_ready();
}
|| requires(R& result) { result.operator co_await(); };

// void becomes a value, so that it can travel.
template <class R>
using ValueOf = std::conditional_t<std::is_void_v<R>, std::monostate, std::remove_cvref_t<R>>;

// Stands for a result that is not known because the call was refused. The nodes behind it say nothing more.
struct Unknown {};
template <class T>
concept Known = !std::is_same_v<T, Unknown>;

enum class Fit { kConst, kRvalue, kMutable, kNone };

template <class F, class T, class... Extra>
consteval Fit fit_of() {
  if constexpr (!Known<T>)
    return Fit::kNone;
  else if constexpr (std::is_invocable_v<const F&, const T&, const Extra&...>)
    return Fit::kConst;
  else if constexpr (std::is_invocable_v<const F&, T, const Extra&...>)
    return Fit::kRvalue;
  else if constexpr (std::is_invocable_v<F&, const T&, const Extra&...>)
    return Fit::kMutable;
  else if constexpr (std::is_invocable_v<F&, T, const Extra&...>)
    return Fit::kMutable;
  else
    return Fit::kNone;
}

template <Fit kFit, class F, class T, class... Extra>
struct ResultOf {
  using Type = Unknown;  // the error has been reported
};
template <class F, class T, class... Extra>
struct ResultOf<Fit::kConst, F, T, Extra...> {
  using Type = std::invoke_result_t<const F&, const T&, const Extra&...>;
};
template <class F, class T, class... Extra>
struct ResultOf<Fit::kRvalue, F, T, Extra...> {
  using Type = std::invoke_result_t<const F&, T, const Extra&...>;
};

// Whether an F takes the parts of a tuple-like T one by one.
template <class F, class T, class... Extra>
consteval bool takes_parts() {
  if constexpr (requires { std::tuple_size<T>::value; }) {
    return []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return std::is_invocable_v<const F&, const std::tuple_element_t<kIndex, T>&..., const Extra&...>;
    }(std::make_index_sequence<std::tuple_size_v<T>>());
  } else {
    return false;
  }
}

// Explains what is wrong with a call. Not in the class: of one with a failed assertion clang sees no members.
template <Fit kFit, class F, class T, class... Extra>
consteval bool check_call() {
  constexpr bool kWantsParts = kFit == Fit::kNone && takes_parts<F, T, Extra...>();
  static_assert(!kWantsParts,
                "this function takes the parts of the element one by one: use starmap(), or take the "
                "element itself.");
  static_assert(kFit != Fit::kNone || kWantsParts || !Known<T>,
                "this function cannot be called with the element type of the stream (and the extra "
                "arguments).");
  static_assert(
      kFit != Fit::kMutable,
      "this function is mutable (or its operator() is not const): its state would be lost, "
      "because every worker has a copy. Use accumulate, which keeps a state.");
  return kFit == Fit::kConst || kFit == Fit::kRvalue;
}

// One call of an F with a T and extra arguments.
template <class F, class T, class... Extra>
struct ElementCall {
  static constexpr Fit kFit = fit_of<F, T, Extra...>();
  static constexpr bool kOk = check_call<kFit, F, T, Extra...>();
  using Raw = typename ResultOf<kOk ? kFit : Fit::kNone, F, T, Extra...>::Type;
  using Result = ValueOf<Raw>;

  // Uses up `value` when the function wants an rvalue.
  static Result call(const F& function, T& value, const Extra&... extra) {
    if constexpr (!kOk) {
      return {};
    } else if constexpr (std::is_void_v<Raw>) {
      if constexpr (kFit == Fit::kConst)
        std::invoke(function, std::as_const(value), extra...);
      else
        std::invoke(function, std::move(value), extra...);
      return {};
    } else if constexpr (kFit == Fit::kConst) {
      return std::invoke(function, std::as_const(value), extra...);
    } else {
      return std::invoke(function, std::move(value), extra...);
    }
  }
};

// A call with all arguments const: submit() and accumulate().
template <class F, class... Args>
struct PlainCall {
  static constexpr bool kOk = std::is_invocable_v<const F&, const Args&...>;
  static constexpr bool kMutable = !kOk && std::is_invocable_v<F&, const Args&...>;
  static_assert(
      !kMutable,
      "this function is mutable (or its operator() is not const): its state would be lost, "
      "because every worker has a copy. Use accumulate, which keeps a state.");
  static_assert(kOk || kMutable, "this function cannot be called with these arguments.");
  using Raw = typename std::conditional_t<kOk, std::invoke_result<const F&, const Args&...>,
                                          std::type_identity<Unknown>>::type;
  using Result = ValueOf<Raw>;

  static Result call(const F& function, const Args&... args) {
    if constexpr (!kOk) {
      return {};
    } else if constexpr (std::is_void_v<Raw>) {
      std::invoke(function, args...);
      return {};
    } else {
      return std::invoke(function, args...);
    }
  }
};

template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

template <class F, class T, class Index, class... Extra>
struct StarmapParts;
template <class F, class T, std::size_t... kIndex, class... Extra>
struct StarmapParts<F, T, std::index_sequence<kIndex...>, Extra...> {
  using Call = PlainCall<F, std::remove_cvref_t<std::tuple_element_t<kIndex, T>>..., Extra...>;
  static auto call(const F& function, const T& value, const Extra&... extra) {
    return Call::call(function, std::get<kIndex>(value)..., extra...);
  }
};

template <class T>
consteval std::size_t tuple_size_or_zero() {
  static_assert(TupleLike<T>, "starmap needs elements that are tuples, pairs or arrays.");
  if constexpr (TupleLike<T>)
    return std::tuple_size_v<T>;
  else
    return 0;
}

template <class F, class T, class... Extra>
struct StarmapCall
    : StarmapParts<F, T, std::make_index_sequence<tuple_size_or_zero<T>()>, Extra...> {
  using Result = typename StarmapCall::Call::Result;
};

}  // namespace penstock::detail
