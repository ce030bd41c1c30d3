// s.starmap(f, args...): each tuple-like element x becomes f(get<0>(x), get<1>(x), ..., args...).
//
//   in   -(1,2)--(3,4)--|
//   out  -3------7------|      starmap(a + b)
//
// Everything else is as in map.hpp: awaitable functions, back-pressure, errors.
#pragma once

#include "penstock/nodes/map.hpp"

namespace penstock {
namespace detail {

// Whether only the parts of a T that is given away can be passed to F.
template <class F, class T, class... Extra>
consteval bool takes_own_parts() {
  if constexpr (std::is_object_v<T> && !std::is_const_v<T> && requires { std::tuple_size<T>::value; }) {
    return []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return !std::is_invocable_v<const F&, const std::tuple_element_t<kIndex, T>&..., const Extra&...> &&
             std::is_invocable_v<const F&, std::tuple_element_t<kIndex, T>..., const Extra&...>;
    }(std::make_index_sequence<std::tuple_size_v<T>>());
  } else {
    return false;
  }
}

// A function of the parts of a tuple as a function of the tuple.
template <class F>
struct Starred {
  F function;

  // Called with const parts where that compiles, like every function.
  template <class T, class... Extra>
    requires requires { std::tuple_size<T>::value; } && (!takes_own_parts<F, T, Extra...>())
  decltype(auto) operator()(const T& value, const Extra&... extra) const {
    return std::apply(
        [&](const auto&... parts) -> decltype(auto) { return std::invoke(function, parts..., extra...); },
        value);
  }

  // With the parts themselves: they may be moved.
  template <class T, class... Extra>
    requires(takes_own_parts<F, T, Extra...>())
  decltype(auto) operator()(T&& value, const Extra&... extra) const {
    return std::apply(
        [&](auto&&... parts) -> decltype(auto) {
          return std::invoke(function, std::forward<decltype(parts)>(parts)..., extra...);
        },
        std::move(value));
  }
};

}  // namespace detail

template <class T>
template <class F, class... Extra>
auto Stream<T>::starmap(F function, Extra... extra) const {
  static_assert(detail::TupleLike<T> || !detail::Known<T>,
                "starmap() needs elements like std::tuple, std::pair or std::array");
  constexpr bool kFits = detail::takes_parts<F, T, detail::Stored<Extra>...>() ||
                         detail::takes_own_parts<F, T, detail::Stored<Extra>...>();
  static_assert(kFits || !detail::TupleLike<T>,
                "this function cannot be called with the parts of the stream's tuple (and the extra "
                "arguments): compare its parameters with the tuple's types");
  if constexpr (kFits) {
    return map(detail::Starred<F>{std::move(function)}, std::move(extra)...).named("starmap");
  } else {
    return detail::refused_stream();
  }
}

}  // namespace penstock
