// from_queue(queue): emits what is pushed into a Queue<T>, in order, with its tokens; ends when the queue
// was closed and is empty.
//
//   push  -1-2-3-----|      then close()
//   out   -1---2---3---|      behind it a slow sink
//
// An element leaves the queue when the one before it was delivered, so a slow stream fills the queue, and
// push() waits. drain() waits for what has left the queue, and for the rest once it was closed. What is
// raised behind it goes to the graph's error handler and the next drain(). A null queue throws Error.
#pragma once

#include <memory>
#include <utility>

#include "penstock/queue.hpp"
#include "penstock/sources/from_coroutine.hpp"

namespace penstock {
namespace detail {

template <class T>
asio::awaitable<void> wait_until_ready(Emitter<T> out, std::shared_ptr<Queue<T>> queue) {
  auto initiate = [queue, loop = out.loop()](auto handler) {
    auto wait = std::make_shared<Wait<decltype(handler)>>(std::move(handler));
    wait->allow_cancellation([queue] { queue->when_ready(nullptr); });
    queue->when_ready([wait, loop]() mutable {
      Loop& on = *loop;
      on.post([wait = std::move(wait), loop = std::move(loop)] { wait->complete(); });
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

template <class T>
asio::awaitable<void> emit_from_queue(Emitter<T> out, std::shared_ptr<Queue<T>> queue) {
  while (!queue->at_end()) {
    if (auto item = queue->try_pop()) {
      co_await out.emit(std::move(item->value), std::move(item->token));
    } else {
      co_await wait_until_ready(out, queue);
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
