#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

void throw_blocking_on_loop(const char* what, const char* instead) {
  throw LoopError(std::string(what) +
                  " was called on the event loop's own thread and would block it for ever: use " +
                  instead + " there");
}

void Waiter::wait(Loop* loop) {
  if (loop == nullptr || !loop->run_until([this] { return done(); })) {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return done_; });
  }
  if (error_) std::rethrow_exception(error_);
}

}  // namespace detail

void NodeHandle::drain() const {
  Loop* loop = node().loop();
  if (loop != nullptr && loop->on_loop_thread()) {
    detail::throw_blocking_on_loop("drain()", "async_drain()");
  }
  detail::Waiter waiter;
  hold_->when_drained([&](std::exception_ptr error) { waiter.complete(std::move(error)); });
  waiter.wait(loop);
}

}  // namespace penstock
