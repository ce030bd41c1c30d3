// The place where one task's outcome arrives: what a Future and an element of a DistributedStream wait
// for.
#pragma once

#include <algorithm>
#include <atomic>
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

// When a wait for so long is over. For a year at most: what is for ever would be before now.
inline std::chrono::steady_clock::time_point end_after(Duration time) {
  return std::chrono::steady_clock::now() + std::min<Duration>(time, std::chrono::hours(24 * 365));
}

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
  // Of all of it, wherever it is.
  std::size_t size() const {
    std::size_t size = bytes().size();
    for (const KeptPart& part : kept) size += part.value->size();
    return size;
  }
};

// Settled once; thread-safe. Watchers are called on the thread that settles, in the order in which they came. There is
// one for each task, and most are never waited for: what waiting needs is made by the first who waits.
class Cell {
 public:
  using Watcher = absl::AnyInvocable<void()>;

  Cell() = default;
  explicit Cell(Outcome outcome) : outcome_(std::move(outcome)), claimed_(true), watches_(settled_mark()) {}
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  ~Cell();

  bool settled() const { return watches_.load() == settled_mark(); }

  // Of a settled cell; does not change any more.
  const Outcome& outcome() const { return outcome_; }

  // Ignored when settled already: the first outcome counts. The caller has a pointer to the cell of its own.
  void settle(Outcome outcome);

  // Calls `watcher` when the cell settles; at once when it has.
  void watch(Watcher watcher);

  // It will settle as `other` does, or with what is made of that: whoever gives it up gives up that, too.
  void follow(const std::shared_ptr<Cell>& other);
  std::shared_ptr<Cell> followed() const;

  // For the session: under which id the task is in its ledger. Set before the cell is handed out.
  std::uint64_t id = 0;

  // In a task its thread is given to another in the meantime; they throw TaskCancelled when it is asked to stop.
  void wait() const;
  bool wait_for(Duration time) const;

 private:
  struct Watch {
    Watcher call;
    Watch* next;
  };
  struct Rare {
    std::mutex mutex;
    std::condition_variable settled;
    std::weak_ptr<Cell> followed;
  };
  // Stands at the head of the list of a settled cell.
  static Watch* settled_mark() { return reinterpret_cast<Watch*>(std::uintptr_t{1}); }
  Rare& rare() const;

  Outcome outcome_;  // written by who claimed it
  std::atomic<bool> claimed_{false};
  std::atomic<Watch*> watches_{nullptr};  // the last one first
  mutable std::atomic<Rare*> rare_{nullptr};
};

using CellPtr = std::shared_ptr<Cell>;

// Of a wait in a task that is asked to stop: TaskCancelled, for what the task has submitted as well.
[[noreturn]] void throw_stopped();

}  // namespace penstock::detail
