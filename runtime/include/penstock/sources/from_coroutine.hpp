// from_coroutine<T>(body): a source of one's own. `body` is a function that takes an Emitter<T> and is a
// coroutine; start() runs it on the loop, and when it returns the stream ends.
//
//   auto lines = penstock::from_coroutine<std::string>(
//       [port](penstock::Emitter<std::string> out) -> asio::awaitable<void> {
//         asio::ip::tcp::socket socket(out.executor());
//         co_await connect(socket, port);
//         for (;;) co_await out.emit(co_await read_line(socket));   // waits while the stream is slow
//       });
//
//   out  -1--2----3--|      each when the one before was delivered
//
// The function lives as long as the source, so a lambda may capture. stop() makes what it awaits throw
// (see Emitter), start() runs it anew. What it throws besides obeys the policy of the source, which then
// stands still until the next start().
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "penstock/detail/coroutine_source.hpp"
#include "penstock/source.hpp"

namespace penstock {
namespace detail {

template <class T>
Source<T> make_coroutine_source(const char* kind, typename CoroutineSource<T>::Body body,
                                typename CoroutineSource<T>::Options options) {
  auto place = NodeBase::Place::fresh();
  GraphHold hold(place.graph);
  auto& node = make_node<CoroutineSource<T>>(std::move(place), kind, std::move(body), options);
  return {Stream<T>(std::move(hold), &node), &node};
}

}  // namespace detail

struct CoroutineOptions {
  LoopRef loop = {};
  bool finite = false;  // drain() waits until the body has returned, not only for what it emitted
};

template <class T, class Body>
Source<T> from_coroutine(Body body, CoroutineOptions options = {}) {
  constexpr bool kFits = std::is_invocable_r_v<asio::awaitable<void>, Body&, Emitter<T>>;
  static_assert(kFits, "from_coroutine<T>(body) needs a function that takes a penstock::Emitter<T> and returns "
                       "asio::awaitable<void>");
  if constexpr (kFits) {
    return detail::make_coroutine_source<T>("from_coroutine", std::move(body),
                                            {options.loop, options.finite});
  }
}

}  // namespace penstock
