// Emitter<T>: what a coroutine that is a source emits with; see sources/from_coroutine.hpp.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "penstock/detail/graph.hpp"
#include "penstock/detail/wait.hpp"
#include "penstock/loop.hpp"
#include "penstock/token.hpp"

namespace penstock {
namespace detail {
template <class T>
class CoroutineSource;
}

// Valid in the body of its source only, on the loop's thread.
//
// stop(), destroy() and close() of the source make the await in progress, and each later one, throw
// std::system_error (operation_aborted): let it pass, so that destructors close what is open.
template <class T>
class Emitter {
 public:
  explicit Emitter(detail::CoroutineSource<T>& source) : source_(&source) {}

  // Sends the element down the stream and waits as emit() does. What fails downstream goes to the
  // graph's error handler and the next drain(), not to the body. A stop does not take back the element.
  asio::awaitable<void> emit(T value, Token token = {}) const {
    return source_->emit(std::move(value), std::move(token));
  }

  // Waits on the loop's own clock, virtual where that is.
  asio::awaitable<void> pause(Duration time) const { return detail::wait_for(loop(), time); }

  // An error that ends nothing: obeys the source's ErrorPolicy; `raise` tells the error handler and drain().
  void report(std::exception_ptr error) const { source_->report(std::move(error)); }

  // drain() waits while it lives: for what the source has, but has not emitted yet. Any thread.
  detail::Flight flight() const { return detail::Flight(source_->graph()); }

  std::shared_ptr<Loop> loop() const { return source_->place().domain->shared_loop(); }

  // For sockets, files and timers of Asio: what completes there continues on the loop.
  asio::any_io_executor executor() const { return source_->loop()->executor(); }

 private:
  detail::CoroutineSource<T>* source_;
};

}  // namespace penstock
