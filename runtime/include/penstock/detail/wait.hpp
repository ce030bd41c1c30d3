// Waits of coroutines on a loop that a stop can cut short.
#pragma once

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "penstock/loop.hpp"

namespace penstock::detail {

// A handler that two may want to complete: what was waited for, and a cancellation. On the loop's
// thread only.
template <class Handler>
class Wait : public std::enable_shared_from_this<Wait<Handler>> {
 public:
  explicit Wait(Handler handler) : handler_(std::move(handler)) {}

  // `cancelled` runs when the wait is cut short.
  template <class Cancelled>
  void allow_cancellation(Cancelled cancelled) {
    auto slot = asio::get_associated_cancellation_slot(*handler_);
    if (!slot.is_connected()) return;
    // Weak: who lets go of the other completion, a loop that ends, lets go of the handler.
    slot.assign([wait = this->weak_from_this(), cancelled](asio::cancellation_type) {
      const auto self = wait.lock();
      if (!self || !self->handler_) return;
      cancelled();
      self->cut_short();
    });
  }

  // Neither completed nor cut short.
  bool waiting() const { return handler_.has_value(); }

  // In a callback of its own.
  void complete() {
    if (!handler_) return;
    asio::get_associated_cancellation_slot(*handler_).clear();
    take()(std::error_code());
  }

 private:
  Handler take() {
    Handler handler = std::move(*handler_);
    handler_.reset();
    return handler;
  }
  void cut_short() {
    auto handler = take();
    auto executor = asio::get_associated_executor(handler);
    asio::post(executor, [handler = std::move(handler)]() mutable {
      std::move(handler)(std::error_code(asio::error::operation_aborted));
    });
  }

  std::optional<Handler> handler_;
};

// Awaits until `time` has passed on the loop. Cancellation throws std::system_error
// (operation_aborted) at once. On the loop's thread.
inline asio::awaitable<void> wait_for(std::shared_ptr<Loop> loop, Duration time) {
  auto initiate = [loop, time](auto handler) {
    auto wait = std::make_shared<Wait<decltype(handler)>>(std::move(handler));
    const auto timer = loop->call_at(loop->now() + time, [wait] { wait->complete(); });
    wait->allow_cancellation([loop, timer] { loop->cancel(timer); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

}  // namespace penstock::detail
