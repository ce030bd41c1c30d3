// A loop for Penstock's streams on a libuv loop.
//
//   const std::shared_ptr<penstock::Loop> loop = std::make_shared<UvLoop>(uv_default_loop());
//   penstock::Stream<int> source(loop);
//   uv_run(uv_default_loop(), UV_RUN_DEFAULT);
#pragma once

#include <uv.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <penstock/loop.hpp>
#include <thread>
#include <utility>
#include <vector>

// libuv closes a handle later, in its loop, and its memory must stay until then.
struct CloseHandle {
  template <class Handle>
  void operator()(Handle* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
};
template <class Handle>
using UvHandle = std::unique_ptr<Handle, CloseHandle>;

// Made and destroyed on the thread of its uv_loop_t. Keeps uv_run() going while it lives, so for as
// long as there is a stream or a coroutine on it.
class UvLoop : public penstock::Loop {
 public:
  explicit UvLoop(uv_loop_t* uv) : thread_(std::this_thread::get_id()) {
    uv_async_init(uv, wake_.get(), [](uv_async_t* wake) { self(wake)->run_posted(); });
    uv_timer_init(uv, timer_.get());
    wake_->data = timer_->data = this;
  }

  penstock::TimePoint now() const override { return std::chrono::steady_clock::now(); }
  bool on_loop_thread() const override { return std::this_thread::get_id() == thread_; }

  // The one function that other threads call too; uv_async_send() is libuv's for that. What is
  // posted will run, so the loop lives until then: the end of its last coroutine may come this way.
  void post(Callback callback) override {
    std::lock_guard lock(mutex_);  // also while it wakes the loop, which may let go of this object then
    posted_.push_back(std::move(callback));
    busy_ = shared_from_this();
    uv_async_send(wake_.get());
  }

 protected:
  // libuv counts whole milliseconds. Rounded up, a timer is never early.
  void arm(penstock::TimePoint at) override {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(at - now());
    uv_update_time(timer_->loop);
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) { self(timer)->run_due_timers(); },
        static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0)), 0);
  }
  void disarm() override { uv_timer_stop(timer_.get()); }

 private:
  // Shared, so that a callback may let go of the last stream on this loop.
  template <class Handle>
  static std::shared_ptr<UvLoop> self(Handle* handle) {
    return std::static_pointer_cast<UvLoop>(static_cast<UvLoop*>(handle->data)->shared_from_this());
  }

  void run_posted() {
    std::shared_ptr<Loop> alive;  // destroyed last
    std::vector<Callback> callbacks;
    {
      std::lock_guard lock(mutex_);
      alive = std::move(busy_);
      callbacks.swap(posted_);
    }
    for (auto& callback : callbacks) run(callback);
  }

  const std::thread::id thread_;
  const UvHandle<uv_async_t> wake_{new uv_async_t};
  const UvHandle<uv_timer_t> timer_{new uv_timer_t};
  std::mutex mutex_;
  std::vector<Callback> posted_;
  std::shared_ptr<Loop> busy_;  // itself, while something is posted
};
