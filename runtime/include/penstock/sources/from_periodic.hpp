// from_periodic(f, interval): emits f() at once and then every `interval`.
//
//   out  1----2----3----     from_periodic(next, 5)
//
// Times are multiples of the interval from start(), without drift. When the stream is slower, f is called
// late, and the times that have passed by then are left out: nothing piles up. f is called only when its
// value can go. What it throws obeys the source's policy, and the next time comes as usual.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "penstock/sources/from_coroutine.hpp"

namespace penstock {
namespace detail {

template <class T, class F>
asio::awaitable<void> emit_periodically(Emitter<T> out, F* function, Duration interval) {
  const auto loop = out.loop();
  for (TimePoint next = loop->now();;) {
    std::optional<T> value;
    try {
      value.emplace(std::invoke(*function));
    } catch (...) {
      out.report(std::current_exception());
    }
    if (value) co_await out.emit(std::move(*value));
    const TimePoint now = loop->now();
    next += interval * ((now - next) / interval + 1);
    co_await out.pause(next - now);
  }
}

}  // namespace detail

template <class F>
auto from_periodic(F function, Interval interval, TimeOptions options = {}) {
  static_assert(std::is_invocable_v<F&>, "from_periodic(f, interval) needs a function without arguments");
  using T = std::remove_cvref_t<std::invoke_result_t<F&>>;
  static_assert(!std::is_void_v<T>, "from_periodic(f, interval) needs a function that returns the element");
  if (interval <= Duration::zero()) throw Error("from_periodic(): interval must be positive");
  return detail::make_coroutine_source<T>(
      "from_periodic",
      [function = std::move(function), interval](Emitter<T> out) mutable {
        return detail::emit_periodically<T, F>(out, &function, interval);
      },
      {options.loop, false});
}

}  // namespace penstock
