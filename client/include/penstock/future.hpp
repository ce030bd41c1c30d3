// Future<T>: the result of a task that was submitted to the cluster.
//
//   auto future = client.submit(increment, 1);
//   int two = future.get();                       // blocks; throws a TaskError when it failed
//   int also = co_await future.async_get();       // in a coroutine
//
// It may be an argument of the next task, which runs when the value is there:
//
//   auto three = client.submit(add, future, 1);
//   auto text = three.then(print_number, "%d");   // the same as client.submit(print_number, three, "%d")
//
// A result of more than 64 KiB stays on the worker that made it, until the last of its futures goes: get() reads it
// from there, and so does the worker of a task that it is an argument of. When that worker dies, who needs the value
// next has its task run again, with the same arguments. So get() needs the client: when that is closed or gone, it
// throws TaskCancelled for a large result that was not read before.
//
// In a task, whatever waits here gives the task's thread to another meanwhile (client.hpp), and throws TaskCancelled
// when the task is asked to stop.
//
// Copies name the same task. Thread-safe. It does not keep the client alive: when that goes, a task without an
// outcome fails with TaskCancelled.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/detail/cell.hpp"
#include "penstock/detail/task_host.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/detail/when_done.hpp"
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
  if (const absl::Status status = decode(outcome.bytes(), value); !status.ok()) {
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
  Future(detail::CellPtr cell, std::weak_ptr<detail::TaskPort> port, detail::TaskOptionsPtr options = {})
      : cell_(std::move(cell)), port_(std::move(port)), options_(std::move(options)) {}

  // Waits and returns the value, each time anew from its encoded form; throws what became of the task.
  T get() const {
    cell().wait();
    if (cell().outcome().kept.empty()) return detail::value_of<T>(cell().outcome());
    const auto here = detail::here(port_, cell_pointer());
    here->wait();
    return detail::value_of<T>(here->outcome());
  }
  void wait() const { cell().wait(); }
  // False when the time is over first.
  bool wait_for(Duration time) const { return cell().wait_for(time); }

  FutureStatus status() const {
    if (!cell().settled()) return FutureStatus::kPending;
    return cell().outcome().error ? FutureStatus::kFailed : FutureStatus::kReady;
  }

  // Runs function(value, extra...) on a worker when the value is there; fails with this task's error when it
  // failed. The same as client.submit(function, future, extra...).
  template <class F, class... Extra>
  auto then(const F& function, const Extra&... extra) const;

  // Runs a task that failed once more, with the same arguments: as another task. Throws Error when this one has
  // not failed, or never was sent.
  Future retry() const {
    const auto port = port_.lock();
    if (!port) throw Error("retry(): the client of this future is gone: keep it, or submit the task to another");
    if (!cell().settled() || !cell().outcome().failed) {
      throw Error("retry(): this task has not failed, or was never sent: look at status() first");
    }
    return {port->submit_again(*cell().outcome().failed), port_, options_};
  }

  // The task's outcome is not wanted any more: get() throws TaskCancelled, unless it is there already.
  // It is not started any more, unless it was sent together with others that are wanted; if it runs already, it is asked to stop
  // (this_task.hpp), and its result is dropped.
  void cancel() const {
    if (auto port = port_.lock()) port->cancel(cell_pointer());
  }

  // Completes with void(std::exception_ptr, T) on the token's own executor. T needs a default value.
  template <class Token = asio::use_awaitable_t<>>
  auto async_get(Token&& token = {}) const {
    return asio::async_initiate<Token, void(std::exception_ptr, T)>(
        [](auto handler, std::weak_ptr<detail::TaskPort> port, detail::CellPtr of) {
          auto executor = detail::with_work(asio::get_associated_executor(handler));
          detail::when_here(std::move(port), of,
                            [executor, handler = std::move(handler)](detail::CellPtr cell) mutable {
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
        token, port_, cell_pointer());
  }

  // ---- for the library ----
  const detail::CellPtr& cell_pointer() const {
    if (!cell_) throw Error("this Future is empty: assign one that submit() returned to it");
    return cell_;
  }
  const std::weak_ptr<detail::TaskPort>& port() const { return port_; }

 private:
  detail::Cell& cell() const { return *cell_pointer(); }

  detail::CellPtr cell_;
  std::weak_ptr<detail::TaskPort> port_;
  detail::TaskOptionsPtr options_;  // of the task; those of what then() adds
};

namespace detail {
template <class T>
inline constexpr bool kIsFuture = false;
template <class T>
inline constexpr bool kIsFuture<Future<T>> = true;
}  // namespace detail

// Waits for all of them.
template <class T>
void wait(const std::vector<Future<T>>& futures) {
  for (const auto& future : futures) future.wait();
}
// Waits for one of them: returns its place. There must be one. For one after the other as_completed() costs less.
template <class T>
std::size_t wait_first(const std::vector<Future<T>>& futures);
// False when the time is over first.
template <class T>
bool wait_for(const std::vector<Future<T>>& futures, Duration time) {
  const auto end = detail::end_after(time);
  return std::all_of(futures.begin(), futures.end(), [end](const Future<T>& future) {
    return future.wait_for(std::max<Duration>(end - std::chrono::steady_clock::now(), Duration::zero()));
  });
}

// Futures in the order in which they settle.
//
//   for (const auto& future : penstock::as_completed(client.map(score, documents))) print(future.get());
//
// One thread at a time; others may be waited for in the meantime.
template <class T>
class AsCompleted {
 public:
  explicit AsCompleted(std::vector<Future<T>> futures) : state_(std::make_shared<State>()) {
    state_->left = futures.size();
    for (auto& future : futures) {
      future.cell_pointer()->watch([state = state_, future] { state->settled(future); });
    }
  }

  // The next one, when it has settled; none when all have been. Waits.
  std::optional<Future<T>> next() {
    const auto has_one = [this] { return state_->left == 0 || !state_->ready.empty(); };
    if (!detail::wait_in_task(state_->mutex, state_->changed, std::nullopt, has_one)) detail::throw_stopped();
    std::lock_guard lock(state_->mutex);
    if (state_->left == 0) return std::nullopt;
    return state_->take();
  }

  // The same without blocking: completes with void(std::exception_ptr, std::optional<Future<T>>).
  template <class Token = asio::use_awaitable_t<>>
  auto async_next(Token&& token = {}) {
    return asio::async_initiate<Token, void(std::exception_ptr, std::optional<Future<T>>)>(
        [](auto handler, std::shared_ptr<State> state) {
          auto executor = detail::with_work(asio::get_associated_executor(handler));
          auto complete = [executor, handler = std::move(handler)](std::optional<Future<T>> next) mutable {
            asio::post(executor, [handler = std::move(handler), next = std::move(next)]() mutable {
              std::move(handler)(std::exception_ptr(), std::move(next));
            });
          };
          std::optional<Future<T>> next;
          {
            std::lock_guard lock(state->mutex);
            if (state->left > 0 && state->ready.empty()) {
              state->waiter = std::move(complete);
              return;
            }
            if (state->left > 0) next = state->take();
          }
          complete(std::move(next));
        },
        token, state_);
  }

  // For a loop over all: next() again and again.
  struct End {};
  class Iterator {
   public:
    explicit Iterator(AsCompleted* from) : from_(from), now_(from->next()) {}
    const Future<T>& operator*() const { return *now_; }
    Iterator& operator++() {
      now_ = from_->next();
      return *this;
    }
    bool operator==(End) const { return !now_; }

   private:
    AsCompleted* from_;
    std::optional<Future<T>> now_;
  };
  Iterator begin() { return Iterator(this); }
  End end() const { return {}; }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Future<T>> ready;
    std::size_t left = 0;  // that next() has not returned
    absl::AnyInvocable<void(std::optional<Future<T>>)> waiter;

    void settled(const Future<T>& future) {
      std::unique_lock lock(mutex);
      ready.push_back(future);
      if (!waiter) return changed.notify_one();
      auto complete = std::exchange(waiter, nullptr);
      auto next = take();
      lock.unlock();
      complete(std::move(next));
    }
    Future<T> take() {
      Future<T> next = std::move(ready.front());
      ready.pop_front();
      --left;
      return next;
    }
  };
  std::shared_ptr<State> state_;
};

namespace detail {

// Calls then(place) once.
template <class T>
void when_first(const std::vector<Future<T>>& futures, std::function<void(std::size_t)> then) {
  if (futures.empty()) throw Error("wait_first(): there is no future to wait for");
  // Those that settle later, or never, do not keep what waits for the first.
  struct First {
    std::function<void(std::size_t)> then;
    std::atomic<bool> told{false};
  };
  const std::shared_ptr<First> first(new First{std::move(then)});
  for (std::size_t i = 0; i < futures.size() && !first->told; ++i) {
    futures[i].cell_pointer()->watch([first, i] {
      if (!first->told.exchange(true)) std::exchange(first->then, nullptr)(i);
    });
  }
}

// Calls then() when all have settled.
template <class T>
void when_all(const std::vector<Future<T>>& futures, std::function<void()> then) {
  const auto missing = std::make_shared<std::atomic<std::size_t>>(futures.size() + 1);
  const auto one_less = [missing, then = std::move(then)] {
    if (--*missing == 0) then();
  };
  for (const auto& future : futures) future.cell_pointer()->watch(one_less);
  one_less();
}

}  // namespace detail

template <class T>
std::size_t wait_first(const std::vector<Future<T>>& futures) {
  struct First {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<std::size_t> place;
  };
  const auto first = std::make_shared<First>();
  detail::when_first(futures, [first](std::size_t place) {
    std::lock_guard lock(first->mutex);
    first->place = place;
    first->changed.notify_all();
  });
  const auto is_there = [&] { return first->place.has_value(); };
  if (!detail::wait_in_task(first->mutex, first->changed, std::nullopt, is_there)) detail::throw_stopped();
  std::lock_guard lock(first->mutex);
  return *first->place;
}

// Both without blocking. Complete with void(std::exception_ptr), when all have settled, and with
// void(std::exception_ptr, std::size_t).
template <class T, class Token = asio::use_awaitable_t<>>
auto async_wait(std::vector<Future<T>> futures, Token&& token = {}) {
  return detail::when_done<>(
      [all = std::move(futures)](detail::Done<> done) {
        detail::when_all(all, [done = std::move(done)] { done(nullptr); });
      },
      std::forward<Token>(token));
}
template <class T, class Token = asio::use_awaitable_t<>>
auto async_wait_first(std::vector<Future<T>> futures, Token&& token = {}) {
  return detail::when_done<std::size_t>(
      [all = std::move(futures)](detail::Done<std::size_t> done) {
        detail::when_first(all, [done = std::move(done)](std::size_t place) { done(nullptr, place); });
      },
      std::forward<Token>(token));
}

// A settled future may be one that failed: its get() throws.
template <class T>
AsCompleted<T> as_completed(std::vector<Future<T>> futures) {
  return AsCompleted<T>(std::move(futures));
}

// The values of all, in order, or the first error in that order: completes with void(std::exception_ptr,
// std::vector<T>).
template <class T, class Token = asio::use_awaitable_t<>>
auto async_gather(std::vector<Future<T>> futures, Token&& token = {}) {
  return asio::async_initiate<Token, void(std::exception_ptr, std::vector<T>)>(
      [](auto handler, std::vector<Future<T>> all) {
        auto executor = detail::with_work(asio::get_associated_executor(handler));
        struct Gathering {
          std::vector<detail::CellPtr> cells;
          std::atomic<std::size_t> missing;
          decltype(executor) on;
          decltype(handler) then;
        };
        auto state = std::shared_ptr<Gathering>(
            new Gathering{std::vector<detail::CellPtr>(all.size()), {1}, std::move(executor), std::move(handler)});
        state->missing += all.size();
        const auto one_is_there = [state] {
          if (--state->missing > 0) return;
          asio::post(state->on, [state]() mutable {
            std::vector<T> values;
            std::exception_ptr error;
            try {
              values.reserve(state->cells.size());
              for (const auto& cell : state->cells) values.push_back(detail::value_of<T>(cell->outcome()));
            } catch (...) {
              error = std::current_exception();
              values.clear();
            }
            auto then = std::move(state->then);
            state.reset();
            std::move(then)(std::move(error), std::move(values));
          });
        };
        for (std::size_t i = 0; i < all.size(); ++i) {
          detail::when_here(all[i].port(), all[i].cell_pointer(), [state, one_is_there, i](detail::CellPtr cell) {
            state->cells[i] = std::move(cell);
            one_is_there();
          });
        }
        one_is_there();
      },
      token, std::move(futures));
}

}  // namespace penstock
