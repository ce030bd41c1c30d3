#include "penstock/virtual_loop.hpp"

namespace penstock {

class VirtualLoop::Impl : public Loop {
 public:
  TimePoint now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }

  void post(Callback callback) override {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(callback));
  }

  bool on_loop_thread() const override { return current() == this; }

  // Nobody else moves this clock: run what is there, then jump to the next timer.
  bool run_until(absl::FunctionRef<bool()> done) override {
    while (!done()) {
      if (run_one_posted()) continue;
      if (next_timer() == TimePoint::max()) return false;
      jump(next_timer());
    }
    return true;
  }

  void run_pending() {
    while (run_one_posted() || next_timer() <= now()) run_due_timers();
  }

  // A coroutine that waits here holds its graph, which holds this loop.
  void drop() {
    std::deque<Callback> posted;
    do {
      drop_timers();
      posted.clear();  // without the lock: it may post again
      std::lock_guard lock(mutex_);
      posted.swap(posted_);
    } while (!posted.empty());
  }

  void advance(Duration time) {
    const TimePoint end = now() + time;
    run_pending();
    while (next_timer() <= end) {
      jump(next_timer());
      run_pending();
    }
    set_now(end);
  }

  void run() {
    run_pending();
    while (next_timer() != TimePoint::max()) {
      jump(next_timer());
      run_pending();
    }
  }

 protected:
  void arm(TimePoint) override {}  // next_timer() is asked instead

 private:
  bool run_one_posted() {
    Callback callback;
    {
      std::lock_guard lock(mutex_);
      if (posted_.empty()) return false;
      callback = std::move(posted_.front());
      posted_.pop_front();
    }
    Loop::run(callback);
    return true;
  }

  void jump(TimePoint to) {
    set_now(to);
    run_due_timers();
  }

  void set_now(TimePoint to) {
    std::lock_guard lock(mutex_);
    if (to > now_) now_ = to;
  }

  mutable std::mutex mutex_;
  std::deque<Callback> posted_;
  TimePoint now_{};
};

VirtualLoop::VirtualLoop()
    : impl_(std::make_shared<Impl>()), last_(nullptr, [impl = impl_](void*) { impl->drop(); }) {}
VirtualLoop::operator LoopRef() const { return LoopRef(impl_); }
void VirtualLoop::advance(Duration time) { impl_->advance(time); }
void VirtualLoop::run() { impl_->run(); }
void VirtualLoop::run_pending() { impl_->run_pending(); }
TimePoint VirtualLoop::now() const { return impl_->now(); }
Duration VirtualLoop::elapsed() const { return impl_->now() - TimePoint{}; }
asio::any_io_executor VirtualLoop::executor() const { return impl_->executor(); }

}  // namespace penstock
