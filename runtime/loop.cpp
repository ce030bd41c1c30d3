#include "penstock/loop.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>
#include <vector>

#include "penstock/detail/loop_executor.hpp"
#include "penstock/detail/spin.hpp"
#include "penstock/error.hpp"
#include "runtime/timers.hpp"

namespace penstock {
namespace {

thread_local Loop* current_loop = nullptr;

class CurrentLoop {
 public:
  explicit CurrentLoop(Loop* loop) : before_(std::exchange(current_loop, loop)) {}
  ~CurrentLoop() { current_loop = before_; }

 private:
  Loop* before_;
};

// Asio 1.22 does not compare the types in target().
template <class Executor>
const Executor* target_of(const asio::any_io_executor& executor) {
  return executor.target_type() == typeid(Executor) ? executor.target<Executor>() : nullptr;
}

template <class Executor>
std::optional<bool> runs_here(const asio::any_io_executor& executor) {
  const auto* target = target_of<Executor>(executor);
  if (target == nullptr) return std::nullopt;
  return target->running_in_this_thread();
}

// any_io_executor does not offer running_in_this_thread(); the executors people use do.
bool executor_runs_here(const asio::any_io_executor& executor) {
  using Io = asio::io_context::executor_type;
  using Pool = asio::thread_pool::executor_type;
  for (const auto& answer : {runs_here<Io>(executor), runs_here<asio::strand<Io>>(executor),
                             runs_here<asio::strand<asio::any_io_executor>>(executor),
                             runs_here<Pool>(executor), runs_here<asio::strand<Pool>>(executor)}) {
    if (answer) return *answer;
  }
  return false;
}

// Callbacks that other threads want a loop to run, in order. A loop takes many at a time: the hand-over of
// one costs little more than the lock.
class Posted {
 public:
  using Callback = Loop::Callback;

  // Any thread. True: the loop must be woken up for it.
  bool push(Callback callback) {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    waiting_.push_back(std::move(callback));
    any_.store(true, std::memory_order_relaxed);
    return std::exchange(asleep_, false);
  }

  // ---- on the loop's thread ----
  // A hint, without a lock.
  bool any() const { return any_.load(std::memory_order_relaxed); }

  // The next one. Some more than those that are there now come before this is empty-handed for the first
  // time, but no endless row of them.
  std::optional<Callback> take() {
    if (next_ == taken_.size()) {
      taken_.clear();
      if (taken_.capacity() > kKept) taken_.shrink_to_fit();
      next_ = 0;
      std::lock_guard lock(mutex_);
      taken_.swap(waiting_);
      any_.store(false, std::memory_order_relaxed);
      if (taken_.empty()) return std::nullopt;
    }
    return std::move(taken_[next_++]);
  }

  // From now on the next push() wakes the loop up. False: something is there already.
  bool fall_asleep() {
    if (next_ < taken_.size()) return false;
    std::lock_guard lock(mutex_);
    if (!waiting_.empty()) return false;
    asleep_ = true;
    return true;
  }

  // Nobody will run them any more, nor those that come later. Not while the loop runs.
  void close() {
    std::vector<Callback> dropped;  // without the lock: they may post again
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      dropped.swap(waiting_);
    }
    std::exchange(taken_, {}).clear();
    next_ = 0;
  }

 private:
  static constexpr std::size_t kKept = 4096;  // room that stays, for so many, after more than these came

  std::mutex mutex_;
  bool closed_ = false;
  std::vector<Callback> waiting_;
  bool asleep_ = true;
  std::atomic<bool> any_{false};
  std::vector<Callback> taken_;  // these two on the loop's thread only
  std::size_t next_ = 0;
};

constexpr int kInARow = 64;  // posted callbacks; then timers and sockets have their turn

// How many callbacks an executor of these types runs at once; 0: it is none of them.
template <unsigned... kBits>
std::size_t threads_of_pool(const asio::any_io_executor& executor,
                            std::integer_sequence<unsigned, kBits...>) {
  std::size_t threads = 0;
  const auto look = [&](const auto* pool) {
    if (pool != nullptr) threads = asio::query(*pool, asio::execution::occupancy);
  };
  (look(target_of<asio::thread_pool::basic_executor_type<std::allocator<void>, kBits>>(executor)), ...);
  return threads;
}

// Of an io_context nobody can tell how many threads run it.
void check_one_at_a_time(const asio::any_io_executor& executor) {
  using Variants = std::integer_sequence<unsigned, 0, 2, 8, 10>;  // of blocking and outstanding work
  const bool system = target_of<asio::system_executor>(executor) != nullptr;
  if (!system && threads_of_pool(executor, Variants()) <= 1) return;
  throw LoopError(std::string(system ? "asio::system_executor" : "an asio::thread_pool of several threads") +
                  " runs callbacks at the same time and is no event loop: give each stream a strand of it, "
                  "{.loop = asio::make_strand(pool.get_executor())}");
}

class AsioLoop;

// The loops of one execution context. They may outlive it, though nothing runs on them any more then.
struct LoopsOfContext {
  std::mutex mutex;
  std::vector<std::pair<AsioLoop*, std::weak_ptr<AsioLoop>>> loops;
};

// Part of an execution context, so that it learns of its end.
class LoopService : public asio::execution_context::service {
 public:
  using key_type = LoopService;
  static inline asio::execution_context::id id;

  explicit LoopService(asio::execution_context& context) : service(context) {}
  const std::shared_ptr<LoopsOfContext>& loops() const { return loops_; }

 private:
  void shutdown() override;

  const std::shared_ptr<LoopsOfContext> loops_ = std::make_shared<LoopsOfContext>();
};

class AsioLoop : public Loop {
 public:
  AsioLoop(asio::any_io_executor executor, std::shared_ptr<LoopsOfContext> others)
      : executor_(std::move(executor)), others_(std::move(others)), timer_(std::in_place, executor_) {}
  ~AsioLoop() override {
    std::lock_guard lock(others_->mutex);
    std::erase_if(others_->loops, [this](const auto& entry) { return entry.first == this; });
    timer_.reset();
  }

  // With the lock of the context's loops held: the timer must go before what it is part of.
  void context_ends() {
    ended_ = true;
    timer_.reset();
  }
  // After it, without that lock: what goes may be the last that holds a stream.
  void drop_all() {
    posted_.close();
    drop_timers();
  }

  TimePoint now() const override { return std::chrono::steady_clock::now(); }

  void post(Callback callback) override {
    if (posted_.push(std::move(callback))) wake_up();
  }

  bool on_loop_thread() const override {
    return !ended_ && (current() == this || executor_runs_here(executor_));
  }

  asio::any_io_executor executor() override { return executor_; }

 protected:
  void arm(TimePoint at) override {
    if (!timer_) return;
    timer_->expires_at(at);
    timer_->async_wait([weak = weak_from_this(), this](const std::error_code& error) {
      auto self = weak.lock();
      if (!self || error) return;
      run_due_timers();
    });
  }
  void disarm() override {
    if (timer_) timer_->cancel();
  }

 private:
  void wake_up() {
    asio::post(executor_, [self = shared_from_this(), this] { run_posted(); });
  }

  void run_posted() {
    struct GoOn {  // also when a callback throws: that is between it and who runs the context
      AsioLoop* loop;
      ~GoOn() {
        if (!loop->posted_.fall_asleep()) loop->wake_up();
      }
    } go_on{this};
    for (int i = 0; i < kInARow; ++i) {
      auto callback = posted_.take();
      if (!callback) return;
      run(*callback);
    }
  }

  asio::any_io_executor executor_;
  Posted posted_;
  const std::shared_ptr<LoopsOfContext> others_;
  std::optional<asio::steady_timer> timer_;  // until the context ends
  std::atomic<bool> ended_{false};           // the context has
};

void LoopService::shutdown() {
  std::vector<std::shared_ptr<AsioLoop>> ended;  // their callbacks hold streams, and those the loop
  {
    std::lock_guard lock(loops_->mutex);
    for (const auto& [loop, weak] : loops_->loops) {
      loop->context_ends();
      if (auto alive = weak.lock()) ended.push_back(std::move(alive));
    }
  }
  for (const auto& loop : ended) loop->drop_all();
}

// A loop with a thread of its own. The thread shares the context with the loop and never owns the loop
// itself, so the streams on it keep it running.
class ThreadLoop : public Loop {
 public:
  ThreadLoop() : work_(asio::make_work_guard(context_->io)), timer_(context_->io) {
    context_->loop = this;
    context_->thread = std::thread([context = context_] { context->run(); });
  }

  ~ThreadLoop() override {
    timer_.cancel();
    work_.reset();
    context_->io.stop();
    if (on_loop_thread()) {
      // The last stream died in its own callback: the thread ends by itself.
      context_->loop = nullptr;
      context_->thread.detach();
    } else {
      context_->thread.join();
    }
  }

  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  void post(Callback callback) override {
    if (context_->posted.push(std::move(callback))) asio::post(context_->io, [] {});
  }
  bool on_loop_thread() const override {
    return Context::running_here == context_.get();
  }
  asio::any_io_executor executor() override { return context_->io.get_executor(); }

 protected:
  void arm(TimePoint at) override {
    timer_.expires_at(at);
    timer_.async_wait([weak = weak_from_this(), this](const std::error_code& error) {
      auto self = weak.lock();
      if (!self || error) return;
      run_due_timers();
    });
  }

 private:
  struct Context {
    asio::io_context io{1};
    Posted posted;
    ThreadLoop* loop;  // null: it is gone
    std::thread thread;

    static inline thread_local Context* running_here = nullptr;

    void run() {
      running_here = this;
      while (!io.stopped()) {
        io.poll();
        if (!run_posted() && posted.fall_asleep()) io.run_one();
      }
    }

    // False: nothing was posted. When something was, waits a little for more: a thread that emits one
    // element after the other would else put this one to sleep and wake it up for each.
    bool run_posted() {
      int count = 0;
      for (; count < kInARow; ++count) {
        auto callback = posted.take();
        if (!callback) break;
        if (loop != nullptr) loop->run(*callback);
      }
      return count > 0 && (count == kInARow || detail::spin_until([this] { return posted.any(); }));
    }
  };

  std::shared_ptr<Context> context_ = std::make_shared<Context>();
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
};

// Equal executors share one loop, so that "the same loop" can be told from "two loops".
std::shared_ptr<Loop> loop_of(const asio::any_io_executor& executor) {
  check_one_at_a_time(executor);
  auto& context = asio::query(executor, asio::execution::context);
  const auto known = asio::use_service<LoopService>(context).loops();
  std::lock_guard lock(known->mutex);
  for (const auto& [raw, weak] : known->loops) {
    if (raw->executor() != executor) continue;
    if (auto loop = weak.lock()) return loop;
  }
  auto loop = std::make_shared<AsioLoop>(executor, known);
  known->loops.emplace_back(loop.get(), loop);
  return loop;
}

}  // namespace

Loop::Loop() : timers_(std::make_unique<Timers>()) {}
Loop::~Loop() { drop_timers(); }

Loop* Loop::current() { return current_loop; }

asio::any_io_executor Loop::executor() {
  std::call_once(context_once_, [this] { context_ = std::make_unique<asio::execution_context>(); });
  return detail::LoopExecutor(weak_from_this(), *context_);
}

bool Loop::run_until(absl::FunctionRef<bool()>) { return false; }

Loop::Timer Loop::call_at(TimePoint at, Callback callback) {
  return call_at(at, std::move(callback), nullptr);
}

Loop::Timer Loop::call_at(TimePoint at, Callback callback, detail::OwnTimers* owner) {
  const Timer timer = timers_->add(at, std::move(callback), owner);
  if (timers_->is_next(timer)) arm(at);
  return timer;
}

// In these three what was removed is destroyed last: it may call back.
void Loop::cancel(const Timer& timer) {
  const Callback cancelled = timers_->remove(timer);
  if (cancelled && timers_->empty()) disarm();
}

void Loop::cancel_all_of(detail::OwnTimers& owner) {
  const auto cancelled = timers_->remove_all_of(owner);
  if (!cancelled.empty() && timers_->empty()) disarm();
}

void Loop::drop_timers() { const auto dropped = timers_->remove_all(); }

void Loop::run_due_timers() {
  const auto self = weak_from_this().lock();  // a callback may drop the last stream on this loop
  const TimePoint time = now();
  while (!timers_->empty() && timers_->next() <= time) {
    Callback callback = timers_->remove_next();
    run(callback);
  }
  if (!timers_->empty()) arm(timers_->next());
}

TimePoint Loop::next_timer() const { return timers_->next(); }

void Loop::run(Callback& callback) {
  CurrentLoop scope(this);
  callback();
}

LoopThread::LoopThread() : loop_(std::make_shared<ThreadLoop>()) {}

LoopRef::LoopRef(const asio::any_io_executor& executor) : loop_(loop_of(executor)) {}
LoopRef::LoopRef(asio::io_context& io) : LoopRef(asio::any_io_executor(io.get_executor())) {}

const std::shared_ptr<Loop>& default_loop() {
  // Never destroyed: streams with static storage may outlive any other static.
  static const auto* loop = new std::shared_ptr<Loop>(LoopThread().loop());
  return *loop;
}

}  // namespace penstock
