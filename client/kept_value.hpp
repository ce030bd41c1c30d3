// What a session knows of a value that stays on a worker. For the session's own files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "client/session.hpp"

namespace penstock::client {

// Values that nobody needs any more, until the next batch tells the scheduler. Has a lock of its own: values go
// wherever their last future goes.
class Session::FreedValues {
 public:
  // `epoch`: of the connection on which it was made.
  void add(const v1::KeptValue& value, std::uint64_t epoch) {
    std::lock_guard lock(mutex_);
    freed_.emplace_back(value, epoch);
  }
  std::vector<std::pair<v1::KeptValue, std::uint64_t>> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(freed_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<v1::KeptValue, std::uint64_t>> freed_;
};

// A value on a worker, and the task that made it and can make it again.
//
//            read, or sent as an input               cannot be read
//   kThere <---------------------------> (itself)  ------------------> kLost
//      ^                                                                 | a task needs it
//      +---- the task has run again: kThere, or kHere <------ kBeingMade <
class Session::Kept final : public detail::KeptValue {
 public:
  enum class State { kThere, kHere, kLost, kBeingMade };

  Kept(std::shared_ptr<const RegisteredPlan> of_plan, TaskInput of_input, v1::KeptValue at, std::uint64_t made_in,
       std::shared_ptr<FreedValues> when_freed)
      : plan(std::move(of_plan)),
        input(std::move(of_input)),
        where(std::move(at)),
        epoch(made_in),
        freed(std::move(when_freed)),
        size_(where.size()) {}
  ~Kept() override {
    if (state == State::kThere) freed->add(where, epoch);
  }
  std::size_t size() const override { return size_; }

  const std::shared_ptr<const RegisteredPlan> plan;
  const TaskInput input;

  // ---- with the session's lock ----
  State state = State::kThere;
  v1::KeptValue where;           // kThere: there
  std::uint64_t epoch;           // of the connection on which it was made: it is lost with that
  absl::Cord value;              // kHere: its bytes
  unsigned version = 1;          // counts how often it was made
  std::vector<std::uint64_t> waiting;  // kBeingMade: tasks that need it

  const std::shared_ptr<FreedValues> freed;  // also tells whose it is

 private:
  const std::size_t size_;
};

}  // namespace penstock::client
