// What completes later, for any completion token.
#pragma once

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "penstock/detail/task_port.hpp"

namespace penstock::detail {

template <class... Values>
using Done = std::function<void(std::exception_ptr, Values...)>;

// Completes with void(std::exception_ptr, Values...), on the token's own executor, when the Done<Values...> is called
// that start() is given: once, on any thread. What start() throws completes it too: in a coroutine nobody could catch
// it. Values need default values.
template <class... Values, class Start, class Token>
auto when_done(Start start, Token&& token) {
  return asio::async_initiate<Token, void(std::exception_ptr, Values...)>(
      [](auto handler, Start begin) {
        const auto executor = with_work(asio::get_associated_executor(handler));
        struct Call {
          decltype(handler) told;
          std::atomic<bool> done{false};
        };
        // std::function wants a copyable callable.
        const std::shared_ptr<Call> call(new Call{std::move(handler)});
        const Done<Values...> done = [executor, call](std::exception_ptr error, Values... values) {
          if (call->done.exchange(true)) return;
          asio::post(executor, [call, error = std::move(error), ... values = std::move(values)]() mutable {
            std::move (call->told)(std::move(error), std::move(values)...);
          });
        };
        try {
          begin(done);
        } catch (...) {
          done(std::current_exception(), Values{}...);
        }
      },
      token, std::move(start));
}

}  // namespace penstock::detail
