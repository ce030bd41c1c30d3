// What the function of accumulate() must be, explained at compile time.
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>

#include "penstock/detail/invoke.hpp"
#include "penstock/detail/passing.hpp"

namespace penstock::detail {

// Whether F is void(State&, const T&), which changes the state where it is.
template <class F, class State, class T>
concept InPlace = std::is_void_v<std::invoke_result_t<const F&, State&, const T&>>;

// Whether a function with returns_state may return an R.
template <class R, class State>
consteval bool is_state_and_output() {
  if constexpr (requires { std::tuple_size<R>::value; }) {
    if constexpr (std::tuple_size_v<R> == 2) return std::is_assignable_v<State&, std::tuple_element_t<0, R>>;
  }
  return false;
}

enum class AccumulateForm { kState, kStateAndOutput };

// Explains at compile time what cannot be accumulated. Used in `if constexpr`, so that nothing else is tried
// then.
template <class F, class State, class T, AccumulateForm kForm = AccumulateForm::kState>
consteval bool can_accumulate() {
  static_assert(kCopyable<State>,
                "accumulate() keeps its state and passes it on, so the state must be copyable: keep what "
                "cannot be copied in a std::shared_ptr");
  constexpr bool kCallable = std::is_invocable_v<const F&, State&, const T&>;
  static_assert(kCallable || !Known<T>,
                "accumulate() and keyed_accumulate() need State f(const State&, const T&) or void f(State&, "
                "const T&) for the start value's type and the element type of the stream");
  if constexpr (!kCopyable<State> || !kCallable) {
    return false;
  } else if constexpr (std::is_invocable_v<const F&, const State&, const T&>) {
    using Result = std::invoke_result_t<const F&, const State&, const T&>;
    constexpr bool kReturns = !std::is_void_v<Result>;
    static_assert(kReturns,
                  "this function of accumulate() or keyed_accumulate() returns nothing and cannot change its "
                  "state: return the new state, or take it as State&");
    if constexpr (!kReturns) {
      return false;
    } else if constexpr (kForm == AccumulateForm::kState) {
      constexpr bool kIsState = std::is_assignable_v<State&, Result>;
      static_assert(kIsState,
                    "the function of accumulate() and keyed_accumulate() must return the new state: something "
                    "of the start value's type, or that converts to it");
      return kIsState;
    } else {
      constexpr bool kIsPair = is_state_and_output<std::remove_cvref_t<Result>, State>();
      static_assert(kIsPair,
                    "with returns_state, the function of accumulate() must return a std::pair or std::tuple of "
                    "the new state and the output");
      return kIsPair;
    }
  } else {
    constexpr bool kInPlace = InPlace<F, State, T> && kForm == AccumulateForm::kState;
    static_assert(kInPlace,
                  "a function of accumulate() or keyed_accumulate() that takes State& changes it and returns "
                  "nothing: take const State& to return something");
    return kInPlace;
  }
}

// The same for those that go on all the same.
template <class F, class State, class T, AccumulateForm kForm = AccumulateForm::kState>
constexpr void check_accumulate() {
  static_cast<void>(can_accumulate<F, State, T, kForm>());
}

}  // namespace penstock::detail
