// The place where one task's outcome arrives: what a Future and an element of a DistributedStream wait
// for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "penstock/detail/few.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// What a task that failed was made of: to run it again.
class FailedTask;

// A value that stays on the worker that made it: until the last pointer goes, and as long as the worker lives.
// Then it is made again when somebody needs it.
class KeptValue {
 public:
  virtual ~KeptValue() = default;
  virtual std::size_t size() const = 0;  // bytes
};

// It belongs in front of this byte of what is here.
struct KeptPart {
  std::size_t at = 0;
  std::shared_ptr<KeptValue> value;
};

// A task's outcome: the encoded value, or an error.
struct Outcome {
  std::string value;
  std::exception_ptr error;  // null: there is a value
  Duration run{};            // time in the user's function
  std::shared_ptr<const FailedTask> failed = {};
  Few<KeptPart> kept = {};                             // what of the value is not here, in the order of `at`
  std::shared_ptr<const std::string_view> large = {};  // instead of `value`

  // The encoded value; of one that is here.
  std::string_view bytes() const { return large ? *large : std::string_view(value); }
};

// Settled once; thread-safe. Watchers are called on the thread that settles, with no lock held.
class Cell {
 public:
  using Watcher = absl::AnyInvocable<void()>;

  Cell() = default;
  explicit Cell(Outcome outcome) : outcome_(std::move(outcome)), settled_(true) {}

  bool settled() const {
    std::lock_guard lock(mutex_);
    return settled_;
  }

  // Of a settled cell; does not change any more.
  const Outcome& outcome() const { return outcome_; }

  // Ignored when settled already: the first outcome counts.
  void settle(Outcome outcome) {
    std::vector<Watcher> watchers;
    {
      std::lock_guard lock(mutex_);
      if (settled_) return;
      outcome_ = std::move(outcome);
      settled_ = true;
      watchers.swap(watchers_);
      condition_.notify_all();
    }
    for (auto& watcher : watchers) watcher();
  }

  // Calls `watcher` when the cell settles; at once when it has.
  void watch(Watcher watcher) {
    {
      std::lock_guard lock(mutex_);
      if (!settled_) {
        watchers_.push_back(std::move(watcher));
        return;
      }
    }
    watcher();
  }

  // It will settle as `other` does, or with what is made of that: whoever gives it up gives up that, too.
  void follow(const std::shared_ptr<Cell>& other) {
    std::lock_guard lock(mutex_);
    followed_ = other;
  }
  std::shared_ptr<Cell> followed() const {
    std::lock_guard lock(mutex_);
    return followed_.lock();
  }

  // For the session: under which id the task is in its ledger. Set before the cell is handed out.
  std::uint64_t id = 0;

  // In a task its thread is given to another in the meantime; they throw TaskCancelled when it is asked to stop.
  void wait() const;
  bool wait_for(Duration time) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable condition_;
  Outcome outcome_;
  bool settled_ = false;
  std::vector<Watcher> watchers_;
  std::weak_ptr<Cell> followed_;
};

using CellPtr = std::shared_ptr<Cell>;

// Of a wait in a task that is asked to stop: TaskCancelled, for what the task has submitted as well.
[[noreturn]] void throw_stopped();

}  // namespace penstock::detail
