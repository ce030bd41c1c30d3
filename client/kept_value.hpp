// What a session knows of a value that stays on a worker. For the session's own files.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "client/core/kept_state.hpp"
#include "client/session.hpp"

namespace penstock::client {

// What nobody holds any more, until the next batch tells the scheduler. Has a lock of its own: values go wherever
// their last future goes.
class Session::FreedValues {
 public:
  // `epoch`: of the connection on which it was made.
  void add(const v1::KeptValue& value, std::uint64_t epoch) {
    std::lock_guard lock(mutex_);
    if (!closed_) freed_.emplace_back(value, epoch);
  }
  void add(KeptPtr value) {
    std::lock_guard lock(mutex_);
    if (!closed_) let_go_.push_back(std::move(value));
  }
  // Of a value that all workers were given.
  void add(std::string name) {
    std::lock_guard lock(mutex_);
    if (!closed_) names_.push_back(std::move(name));
  }
  // Nobody will take anything any more.
  void close() {
    std::vector<KeptPtr> let_go;  // goes after the lock
    std::lock_guard lock(mutex_);
    closed_ = true;
    let_go.swap(let_go_);
    freed_.clear();
    names_.clear();
  }
  std::vector<std::pair<v1::KeptValue, std::uint64_t>> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(freed_, {});
  }
  std::vector<std::string> take_names() {
    std::lock_guard lock(mutex_);
    return std::exchange(names_, {});
  }
  std::vector<KeptPtr> take_let_go() {
    std::lock_guard lock(mutex_);
    return std::exchange(let_go_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<v1::KeptValue, std::uint64_t>> freed_;
  std::vector<KeptPtr> let_go_;
  std::vector<std::string> names_;
  bool closed_ = false;
};

// A value on a worker, and the task that made it and can make it again. Who wants the value holds a Hold; the
// inputs of tasks that were done have none, so that a chain of tasks does not keep all that was in between.
class Session::Kept final {
 public:
  Kept(std::weak_ptr<Session> of_session, PlanPtr of_plan, TaskInput of_input, v1::KeptValue at,
       std::uint64_t made_in, std::shared_ptr<FreedValues> when_freed);
  ~Kept() {
    if (state.is_there()) freed->add(state.where(), state.epoch());
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  const std::weak_ptr<Session> session;
  const PlanPtr plan;
  const TaskInput input;
  const std::size_t size;
  const unsigned generation;  // of values that were made of one another

  // ---- with the session's lock ----
  KeptState<v1::KeptValue, absl::Cord> state;
  unsigned failed_reads = 0;  // since one has worked

  std::atomic<unsigned> holds{0};

  const std::shared_ptr<FreedValues> freed;  // also tells whose it is
};

// With the last one the worker frees the value.
class Session::Hold final : public detail::KeptValue {
 public:
  explicit Hold(KeptPtr of) : kept(std::move(of)) { ++kept->holds; }
  ~Hold() override {
    if (--kept->holds == 0) kept->freed->add(kept);
  }
  std::size_t size() const override { return kept->size; }

  const KeptPtr kept;
};

}  // namespace penstock::client
