// Event loops. A stream with time or awaitable functions runs on one loop: all its nodes, on that
// loop's thread. Penstock brings Asio loops and a virtual one for tests; any other loop plugs in by
// deriving from Loop (examples/uv_loop.hpp does it for libuv, examples/glib_loop.hpp for GLib, each in less
// than 100 lines).
//
//   asio::io_context io;
//   source.rate_limit(500ms, {.loop = io.get_executor()});   // the application's own loop
//   penstock::LoopThread thread;
//   source.rate_limit(500ms, {.loop = thread});              // a loop on a thread of its own
//   asio::thread_pool pool(8);                               // many streams, a strand for each
//   source.rate_limit(500ms, {.loop = asio::make_strand(pool.get_executor())});
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"

namespace penstock {
namespace detail {
template <class F>
class WhileAlive;
class NodeLife;

// The timers of one node that are waiting, in a row that its loop keeps. They name it, so it must not go before
// them.
class OwnTimers {
 public:
  // Any thread.
  bool any() const { return first() != kNone; }

  // ---- for the loop ----
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t first() const { return first_.load(std::memory_order_relaxed); }
  void set_first(std::uint32_t slot) { first_.store(slot, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> first_{kNone};
};
}  // namespace detail

using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// A Duration that a function is given. A number without a unit is refused with a line that says so.
class Interval : public Duration {
 public:
  template <std::convertible_to<Duration> D>
  constexpr Interval(D time) : Duration(time) {}  // NOLINT: implicit by design
  template <class Number>
    requires std::is_arithmetic_v<Number>
  constexpr Interval(Number) : Duration() {  // NOLINT
    static_assert(!std::is_arithmetic_v<Number>,
                  "times need a unit: write 10ms (using namespace std::chrono_literals)");
  }
};

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  using Callback = absl::AnyInvocable<void()>;

  // Names one timer; default-constructed it names none.
  struct Timer {
    std::uint64_t number = 0;  // no other timer of the loop ever has it
    std::uint32_t slot = 0;
  };

  Loop();
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Monotonic. Any thread.
  virtual TimePoint now() const = 0;

  // Runs `callback` on the loop's thread, later, in the order of posting. Any thread.
  virtual void post(Callback callback) = 0;

  // Whether the caller runs on this loop right now. Any thread.
  virtual bool on_loop_thread() const = 0;

  // For coroutines that a node awaits. The default one goes through post().
  virtual asio::any_io_executor executor();

  // Blocks the caller, who is not on the loop's thread, until `done()` is true, by running the loop
  // itself. Returns false when this loop has a thread of its own to wait for: the usual case.
  virtual bool run_until(absl::FunctionRef<bool()> done);

  // Runs `callback` at `at` or as soon after it as the loop can; equal times in the order of the
  // calls. On the loop's thread only. All timers of a loop share one heap and one timer of the
  // underlying loop.
  Timer call_at(TimePoint at, Callback callback);

  // The same for a callback of a node: cancelled when the node is destroyed.
  template <class F>
  Timer call_at(TimePoint at, detail::WhileAlive<F> callback);

  // A timer that has run or was cancelled already is left alone. On the loop's thread only.
  void cancel(const Timer& timer);

  // The loop whose callback runs on this thread, or none.
  static Loop* current();

 protected:
  // Asks for run_due_timers() on the loop's thread at `at`, in place of any earlier request.
  virtual void arm(TimePoint at) = 0;

  // No timer is left: an earlier request of arm() may be dropped. Optional.
  virtual void disarm() {}

  // Runs what is due now and arms the next.
  void run_due_timers();

  // The earliest timer, or TimePoint::max().
  TimePoint next_timer() const;

  // Cancels every timer. For a loop that ends before the streams on it.
  void drop_timers();

  // Calls `callback` as part of this loop: current() names it meanwhile.
  void run(Callback& callback);

 private:
  friend detail::NodeLife;
  class Timers;

  Timer call_at(TimePoint at, Callback callback, detail::OwnTimers* owner);
  void cancel_all_of(detail::OwnTimers& owner);

  const std::unique_ptr<Timers> timers_;
  std::once_flag context_once_;
  std::unique_ptr<asio::execution_context> context_;
};

// A loop on a thread of its own. Stops and joins when the last copy and the last stream on it are gone.
class LoopThread {
 public:
  LoopThread();
  const std::shared_ptr<Loop>& loop() const { return loop_; }

 private:
  std::shared_ptr<Loop> loop_;
};

// What a node takes as its loop: any of the above, or nothing for the loop of its upstream.
class LoopRef {
 public:
  LoopRef() = default;
  LoopRef(const LoopThread& thread) : loop_(thread.loop()) {}           // NOLINT: implicit by design
  template <std::derived_from<Loop> L>
  LoopRef(std::shared_ptr<L> loop) : loop_(std::move(loop)) {}  // NOLINT
  // An io_context that one thread runs, or a strand of any: on a strand "the loop's thread" is whichever
  // runs it, and never two at once. Equal executors give the same loop, so copies of one strand do. The
  // context must outlive the streams that run on it. Throws LoopError for what runs several callbacks at
  // once (a thread_pool of several threads, the system_executor): they need a strand. An io_context that
  // several threads run needs one too, but does not say so.
  LoopRef(const asio::any_io_executor& executor);                       // NOLINT
  LoopRef(asio::io_context& io);                                        // NOLINT
  template <class Executor>
    requires(!std::is_same_v<Executor, asio::any_io_executor> &&
             std::is_constructible_v<asio::any_io_executor, const Executor&> &&
             !std::is_base_of_v<Loop, Executor> && !std::is_same_v<Executor, LoopRef>)
  LoopRef(const Executor& executor) : LoopRef(asio::any_io_executor(executor)) {}  // NOLINT

  const std::shared_ptr<Loop>& get() const { return loop_; }
  explicit operator bool() const { return loop_ != nullptr; }

 private:
  std::shared_ptr<Loop> loop_;
};

// The loop of streams that need one and were given none: one background thread of the process,
// started at the first call.
const std::shared_ptr<Loop>& default_loop();

}  // namespace penstock
