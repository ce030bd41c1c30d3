// Virtual time: what is to happen, in order of time and, at equal times, of being scheduled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "scheduler/core/types.hpp"

namespace penstock::simulation {

using scheduler::Duration;
using scheduler::TimePoint;

// Of one process. Its events die with it, and wait while it is frozen.
struct Life {
  bool alive = true;
  TimePoint frozen_until{};
};
using LifePtr = std::shared_ptr<Life>;

class EventQueue {
 public:
  using Callback = std::function<void()>;

  TimePoint now() const { return now_; }
  std::size_t size() const { return heap_.size(); }

  // A null life: nobody's event, which always happens.
  void after(Duration delay, LifePtr life, Callback callback);

  // The next event becomes the present. False when there is none.
  bool run_next();

 private:
  struct Entry {
    TimePoint at;
    std::uint64_t number;
    LifePtr life;
    Callback callback;
  };
  static bool is_later(const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }
  void push(TimePoint at, LifePtr&& life, Callback&& callback);

  TimePoint now_{};
  std::uint64_t scheduled_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace penstock::simulation
