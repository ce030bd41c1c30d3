// What completes later, for any completion token.
#pragma once

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "penstock/detail/task_port.hpp"

namespace penstock::detail {

template <class... Values>
using Done = std::function<void(std::exception_ptr, Values...)>;

// Completes with void(std::exception_ptr, Values...), on the token's own executor, when the Done<Values...> is called
// that start() is given: once, on any thread. Values need default values.
template <class... Values, class Start, class Token>
auto when_done(Start start, Token&& token) {
  return asio::async_initiate<Token, void(std::exception_ptr, Values...)>(
      [](auto handler, Start begin) {
        const auto executor = with_work(asio::get_associated_executor(handler));
        // std::function wants a copyable callable; the handler is called once.
        const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin(Done<Values...>([executor, shared](std::exception_ptr error, Values... values) {
          asio::post(executor, [shared, error = std::move(error), ... values = std::move(values)]() mutable {
            std::move (*shared)(std::move(error), std::move(values)...);
          });
        }));
      },
      token, std::move(start));
}

}  // namespace penstock::detail
