// A loop for Penstock's streams on a GMainContext: the loop of GTK and GStreamer programs.
//
//   const std::shared_ptr<penstock::Loop> loop = std::make_shared<GlibLoop>(g_main_context_default());
//   penstock::Stream<int> source(loop);
//   g_main_loop_run(main_loop);
#pragma once

#include <glib.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <penstock/loop.hpp>
#include <utility>
#include <vector>

// Keeps its context. The loop's thread is the one that owns the context, so the one in g_main_loop_run().
// Let go of the last stream on it there, or when nobody runs the context any more.
class GlibLoop : public penstock::Loop {
 public:
  explicit GlibLoop(GMainContext* context) : context_(g_main_context_ref(context)) {
    attach(wake_.get(), [](void* self) -> gboolean {
      static_cast<GlibLoop*>(self)->run_posted();
      return G_SOURCE_CONTINUE;
    });
    attach(timer_.get(), [](void* self) -> gboolean {
      g_source_set_ready_time(static_cast<GlibLoop*>(self)->timer_.get(), -1);
      static_cast<GlibLoop*>(self)->run_due_timers();
      return G_SOURCE_CONTINUE;
    });
  }

  // The clock of g_get_monotonic_time().
  penstock::TimePoint now() const override { return std::chrono::steady_clock::now(); }
  bool on_loop_thread() const override { return g_main_context_is_owner(context_.get()); }

  // The one function that other threads call too. What is posted will run, so the loop lives until then.
  void post(Callback callback) override {
    std::lock_guard lock(mutex_);  // also while it wakes the loop, which may let go of this object then
    posted_.push_back(std::move(callback));
    busy_ = shared_from_this();
    g_source_set_ready_time(wake_.get(), 0);
  }

 protected:
  // GLib counts whole microseconds. Rounded up, a timer is never early.
  void arm(penstock::TimePoint at) override {
    const auto due = std::chrono::ceil<std::chrono::microseconds>(at.time_since_epoch());
    g_source_set_ready_time(timer_.get(), std::max<std::int64_t>(due.count(), 0));
  }
  void disarm() override { g_source_set_ready_time(timer_.get(), -1); }

 private:
  struct Free {
    void operator()(GMainContext* context) const { g_main_context_unref(context); }
    void operator()(GSource* source) const {
      g_source_destroy(source);
      g_source_unref(source);
    }
  };
  using Source = std::unique_ptr<GSource, Free>;

  // A source that is ready at its ready time and has nothing else to look at.
  static Source make_source() {
    static GSourceFuncs functions{
        nullptr, nullptr,
        [](GSource*, GSourceFunc callback, void* self) -> gboolean { return callback(self); },
        nullptr, nullptr, nullptr};
    return Source(g_source_new(&functions, sizeof(GSource)));
  }
  void attach(GSource* source, GSourceFunc callback) {
    g_source_set_callback(source, callback, this, nullptr);
    g_source_attach(source, context_.get());
  }

  void run_posted() {
    std::shared_ptr<Loop> alive;  // destroyed last
    std::vector<Callback> callbacks;
    {
      std::lock_guard lock(mutex_);
      g_source_set_ready_time(wake_.get(), -1);
      alive = std::move(busy_);
      callbacks.swap(posted_);
    }
    for (auto& callback : callbacks) run(callback);
  }

  const std::unique_ptr<GMainContext, Free> context_;
  const Source wake_ = make_source();
  const Source timer_ = make_source();
  std::mutex mutex_;
  std::vector<Callback> posted_;
  std::shared_ptr<Loop> busy_;  // itself, while something is posted
};
