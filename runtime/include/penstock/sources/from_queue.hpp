// from_queue(queue): emits what is pushed into a Queue<T>, in order, with its tokens; ends when the queue
// was closed and is empty.
//
//   push  -1-2-3-----|      then close()
//   out   -1---2---3---|      behind it a slow sink
//
// An element leaves the queue when the one before it was delivered, so a slow stream fills the queue, and
// push() waits. drain() waits for all that was pushed while the source runs. What is
// raised behind it goes to the graph's error handler and the next drain(). A null queue throws Error.
#pragma once

#include <memory>
#include <utility>

#include "penstock/queue.hpp"
#include "penstock/sources/from_coroutine.hpp"

namespace penstock {
namespace detail {

// `busy` begins with the push that ends the wait.
template <class T>
asio::awaitable<void> wait_until_ready(Emitter<T> out, std::shared_ptr<Queue<T>> queue, Flight* busy) {
  auto initiate = [out, queue, loop = out.loop(), busy](auto handler) {
    auto wait = std::make_shared<Wait<decltype(handler)>>(std::move(handler));
    wait->allow_cancellation([queue] { queue->when_ready(nullptr); });
    queue->when_ready([out, wait, loop, busy]() mutable {
      Loop& on = *loop;
      on.post([wait = std::move(wait), loop = std::move(loop), busy, flight = out.flight()]() mutable {
        if (!wait->waiting()) return;  // stopped: the body and its `busy` may be gone
        *busy = std::move(flight);
        wait->complete();
      });
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

template <class T>
asio::awaitable<void> emit_from_queue(Emitter<T> out, std::shared_ptr<Queue<T>> queue) {
  Flight busy = out.flight();
  while (!queue->at_end()) {
    if (auto item = queue->try_pop()) {
      co_await out.emit(std::move(item->value), std::move(item->token));
    } else {
      busy = {};
      co_await wait_until_ready(out, queue, &busy);
    }
  }
}

}  // namespace detail

template <class T>
Source<T> from_queue(std::shared_ptr<Queue<T>> queue, TimeOptions options = {}) {
  if (!queue) throw Error("from_queue(): the queue is null");
  return detail::make_coroutine_source<T>(
      "from_queue", [queue = std::move(queue)](Emitter<T> out) { return detail::emit_from_queue(out, queue); },
      {options.loop, false});
}

}  // namespace penstock
