// A user's function that returns an awaitable, called as often as its node's policy says.
#pragma once

#include <any>
#include <asio/awaitable.hpp>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "penstock/detail/local_call.hpp"
#include "penstock/detail/node.hpp"
#include "penstock/detail/pause.hpp"

namespace penstock::detail {

template <class F, class T, class R, class... Extra>
class AwaitedCall {
 public:
  explicit AwaitedCall(F function, Extra... extra)
      : function_(std::move(function)), extra_(std::move(extra)...) {}

  // Awaits the function for `value`, then calls use(result), or use() when there is none. What fails is
  // tried again; returns the error of the last attempt, or null. Everything given lives until then.
  template <class Use>
  asio::awaitable<std::exception_ptr> run(NodeBase& node, T& value, Use use) const {
    for (unsigned failed = 0;;) {
      std::exception_ptr error;
      try {
        std::optional<T> copy;  // of an element that may be needed again
        if constexpr (kRetriable<T>) {
          if (node.is_careful()) copy.emplace(std::as_const(value));
        }
        T& argument = copy ? *copy : value;
        if constexpr (std::is_void_v<R>) {
          co_await call(std::move(argument));
          use();
        } else {
          R result = co_await call(std::move(argument));
          use(std::move(result));
        }
      } catch (...) {
        error = std::current_exception();
      }
      if (!error || !kRetriable<T> || ++failed > node.retry().times) co_return error;
      const auto pause = pause_after(node.retry().pause, failed);
      if (pause > Duration::zero()) co_await pause_for(node.place().domain->shared_loop(), pause);
    }
  }

  // The element for NodeBase::give_up(), where the policy wants it.
  static std::any element(const NodeBase& node, const T& value) {
    if constexpr (kRetriable<T>) {
      if (node.is_careful()) return std::any(value);
    }
    return {};
  }

 private:
  asio::awaitable<R> call(T&& value) const {
    return std::apply(
        [&](const Extra&... extra) { return call_with(function_, std::move(value), extra...); },
        extra_);
  }

  const F function_;
  const std::tuple<Extra...> extra_;
};

}  // namespace penstock::detail
