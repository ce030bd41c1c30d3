// An Asio executor for loops that are not Asio's: everything goes through Loop::post(). Like those of an
// io_context it does not keep its loop; what it is given after the end of that is dropped. Otherwise what
// completes late, posted to a loop that nobody runs any more, would keep the loop in which it stands.
#pragma once

#include <asio/execution.hpp>
#include <memory>
#include <utility>

#include "penstock/loop.hpp"

namespace penstock::detail {

class LoopExecutor {
 public:
  LoopExecutor(std::weak_ptr<Loop> loop, asio::execution_context& context)
      : loop_(std::move(loop)), context_(&context) {}

  asio::execution_context& query(asio::execution::context_t) const noexcept { return *context_; }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  LoopExecutor require(asio::execution::blocking_t::never_t) const { return *this; }

  template <class Function>
  void execute(Function function) const {
    if (const auto loop = loop_.lock()) loop->post(std::move(function));
  }

  friend bool operator==(const LoopExecutor& a, const LoopExecutor& b) noexcept {
    return !a.loop_.owner_before(b.loop_) && !b.loop_.owner_before(a.loop_);
  }
  friend bool operator!=(const LoopExecutor& a, const LoopExecutor& b) noexcept {
    return !(a == b);
  }

 private:
  std::weak_ptr<Loop> loop_;
  asio::execution_context* context_;
};

}  // namespace penstock::detail
