// Waiting in a coroutine for a loop's own time: virtual where the loop is.
#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "penstock/loop.hpp"

namespace penstock::detail {

// On the loop's thread. Not cancellable.
inline asio::awaitable<void> pause_for(std::shared_ptr<Loop> loop, Duration time) {
  auto initiate = [loop, time](auto handler) {
    loop->call_at(loop->now() + time,
                  [handler = std::move(handler)]() mutable { std::move(handler)(); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate),
                                                                       asio::use_awaitable);
}

}  // namespace penstock::detail
