// Future<T>: the result of a task that was submitted to the cluster.
//
//   auto future = client.submit(increment, 1);
//   int two = future.get();                       // blocks; throws a TaskError when it failed
//   int also = co_await future.async_get();       // in a coroutine
//
// Copies name the same task. Thread-safe.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/detail/cell.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/stream.hpp"
#include "penstock/task_error.hpp"

namespace penstock {

enum class FutureStatus { kPending, kReady, kFailed };

namespace detail {

// The value of a settled cell. Throws its error, or BadArguments when the bytes are no T.
template <class T>
T value_of(const Outcome& outcome) {
  if (outcome.error) std::rethrow_exception(outcome.error);
  T value{};
  if (const absl::Status status = decode(outcome.value, value); !status.ok()) {
    std::rethrow_exception(make_task_error(
        {TaskErrorKind::kBadArguments, "", "bad result: " + std::string(status.message()), "", "", 0}));
  }
  return value;
}

}  // namespace detail

template <class T>
class Future {
 public:
  using Value = T;

  Future() = default;
  Future(detail::CellPtr cell, std::weak_ptr<detail::TaskPort> port)
      : cell_(std::move(cell)), port_(std::move(port)) {}

  // Waits and returns the value, each time anew from its encoded form; throws what became of the task.
  T get() const {
    cell_->wait();
    return detail::value_of<T>(cell_->outcome());
  }
  void wait() const { cell_->wait(); }
  // False when the time is over first.
  bool wait_for(Duration time) const { return cell_->wait_for(time); }

  FutureStatus status() const {
    if (!cell_->settled()) return FutureStatus::kPending;
    return cell_->outcome().error ? FutureStatus::kFailed : FutureStatus::kReady;
  }

  // The task's outcome is not wanted any more: get() throws TaskCancelled, unless it is there already.
  // It is not started any more; if it runs already, its result is dropped.
  void cancel() const {
    if (auto port = port_.lock()) port->cancel(cell_);
  }

  // Completes with void(std::exception_ptr, T) on the token's own executor. T needs a default value.
  template <class Token = asio::use_awaitable_t<>>
  auto async_get(Token&& token = {}) const {
    return asio::async_initiate<Token, void(std::exception_ptr, T)>(
        [](auto handler, detail::CellPtr cell) {
          auto executor = asio::prefer(asio::get_associated_executor(handler),
                                       asio::execution::outstanding_work.tracked);
          cell->watch([cell, executor, handler = std::move(handler)]() mutable {
            asio::post(executor, [cell = std::move(cell), handler = std::move(handler)]() mutable {
              T value{};
              std::exception_ptr error;
              try {
                value = detail::value_of<T>(cell->outcome());
              } catch (...) {
                error = std::current_exception();
              }
              std::move(handler)(std::move(error), std::move(value));
            });
          });
        },
        token, cell_);
  }

  const detail::CellPtr& cell() const { return cell_; }

 private:
  detail::CellPtr cell_;
  std::weak_ptr<detail::TaskPort> port_;
};

}  // namespace penstock
