#include "penstock/loop.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "penstock/detail/loop_executor.hpp"

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

template <class Executor>
std::optional<bool> runs_here(const asio::any_io_executor& executor) {
  const auto* target = executor.target<Executor>();
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
  void context_ends() { timer_.reset(); }

  TimePoint now() const override { return std::chrono::steady_clock::now(); }

  void post(Callback callback) override {
    asio::post(executor_, [self = shared_from_this(), this,
                           callback = std::move(callback)]() mutable { run(callback); });
  }

  bool on_loop_thread() const override {
    return current() == this || executor_runs_here(executor_);
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
  asio::any_io_executor executor_;
  const std::shared_ptr<LoopsOfContext> others_;
  std::optional<asio::steady_timer> timer_;  // until the context ends
};

void LoopService::shutdown() {
  std::lock_guard lock(loops_->mutex);
  for (const auto& [loop, weak] : loops_->loops) loop->context_ends();
}

// Owns the context and the thread. The loop itself lives inside, so that the streams on it keep the
// thread running; the thread never owns itself.
class ThreadLoop : public Loop {
 public:
  ThreadLoop() : work_(asio::make_work_guard(context_->io)), timer_(context_->io) {
    context_->thread = std::thread([context = context_] { context->io.run(); });
  }

  ~ThreadLoop() override {
    timer_.cancel();
    work_.reset();
    context_->io.stop();
    if (context_->thread.get_id() == std::this_thread::get_id()) {
      // The last stream died in its own callback: the thread ends by itself.
      context_->thread.detach();
    } else {
      context_->thread.join();
    }
  }

  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  void post(Callback callback) override {
    asio::post(context_->io, [this, callback = std::move(callback)]() mutable { run(callback); });
  }
  bool on_loop_thread() const override {
    return context_->io.get_executor().running_in_this_thread();
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
    std::thread thread;
  };
  std::shared_ptr<Context> context_ = std::make_shared<Context>();
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
};

// Equal executors share one loop, so that "the same loop" can be told from "two loops".
std::shared_ptr<Loop> loop_of(const asio::any_io_executor& executor) {
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

Loop::~Loop() = default;

Loop* Loop::current() { return current_loop; }

asio::any_io_executor Loop::executor() {
  std::call_once(context_once_, [this] { context_ = std::make_unique<asio::execution_context>(); });
  return detail::LoopExecutor(weak_from_this(), *context_);
}

bool Loop::run_until(absl::FunctionRef<bool()>) { return false; }

Loop::Timer Loop::call_at(TimePoint at, Callback callback) {
  Timer timer{at, ++last_timer_};
  timers_.emplace(timer, std::move(callback));
  if (timers_.begin()->first == timer) arm(at);
  return timer;
}

void Loop::cancel(const Timer& timer) {
  const auto cancelled = timers_.extract(timer);  // destroyed last: it may call back
  if (cancelled && timers_.empty()) disarm();
}

void Loop::run_due_timers() {
  const auto self = weak_from_this().lock();  // a callback may drop the last stream on this loop
  const TimePoint time = now();
  while (!timers_.empty() && timers_.begin()->first.at <= time) {
    auto node = timers_.extract(timers_.begin());
    run(node.mapped());
  }
  if (!timers_.empty()) arm(timers_.begin()->first.at);
}

TimePoint Loop::next_timer() const {
  return timers_.empty() ? TimePoint::max() : timers_.begin()->first.at;
}

void Loop::drop_timers() { std::exchange(timers_, {}).clear(); }

void Loop::run(Callback& callback) {
  CurrentLoop scope(this);
  callback();
}

LoopThread::LoopThread() : loop_(std::make_shared<ThreadLoop>()) {}

LoopRef::LoopRef(const asio::any_io_executor& executor) : loop_(loop_of(executor)) {}

const std::shared_ptr<Loop>& default_loop() {
  // Never destroyed: streams with static storage may outlive any other static.
  static const auto* loop = new std::shared_ptr<Loop>(LoopThread().loop());
  return *loop;
}

}  // namespace penstock
