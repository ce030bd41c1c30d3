// Where a value that stays on a worker is, as far as its client knows, and which tasks wait until it was made again.
// Pure: no I/O, no clock, no threads. One lock of its owner guards it.
//
//            read, or sent as an input               cannot be read, or nobody holds it
//   kThere <---------------------------> (itself)  ------------------------------------> kLost
//      ^                                                                                   | a task needs it
//      +---- the task has run again: kThere, or kHere <------ kBeingMade <-----------------+
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace penstock::client {

// Where: what names the place. Bytes: the value.
template <class Where, class Bytes>
class KeptState {
 public:
  enum class State { kThere, kHere, kLost, kBeingMade };
  enum class Need { kReady, kWaits, kMake };

  // `epoch`: of the connection on which it was made. It is lost with that.
  KeptState(Where where, std::uint64_t epoch) : where_(std::move(where)), epoch_(epoch) {}

  State state() const { return state_; }
  bool is_there() const { return state_ == State::kThere; }
  bool is_there(std::uint64_t epoch) const { return is_there() && epoch_ == epoch; }
  bool is_here() const { return state_ == State::kHere; }
  const Where& where() const { return where_; }  // when it is there
  std::uint64_t epoch() const { return epoch_; }
  const Bytes& bytes() const { return bytes_; }  // when it is here
  unsigned version() const { return version_; }  // counts how often it was made

  // By this task, which is to be sent on the connection of `epoch`. kWaits: when the value was made again, who made
  // it is told of the task. kMake: the same, and its own task is to run.
  Need needed_by(std::uint64_t task, std::uint64_t epoch) {
    if (is_there() && epoch_ != epoch) state_ = State::kLost;
    if (is_there() || is_here()) return Need::kReady;
    waiting_.push_back(task);
    return std::exchange(state_, State::kBeingMade) == State::kLost ? Need::kMake : Need::kWaits;
  }

  // Its `version` could not be read where it was. False: there is another by now, or that is known.
  bool lose(unsigned version) {
    if (version_ != version || !is_there()) return false;
    state_ = State::kLost;
    return true;
  }

  // Nobody holds it any more. True: it is to be freed where it is.
  bool let_go() {
    const bool was_there = is_there();
    if (state_ != State::kBeingMade) state_ = State::kLost;
    bytes_ = Bytes();
    return was_there;
  }

  // Its task has run again. All return the tasks that waited.
  std::vector<std::uint64_t> made_there(Where where, std::uint64_t epoch) {
    where_ = std::move(where);
    epoch_ = epoch;
    return made(State::kThere);
  }
  std::vector<std::uint64_t> made_here(Bytes bytes) {
    bytes_ = std::move(bytes);
    return made(State::kHere);
  }
  std::vector<std::uint64_t> failed() { return made(State::kLost); }

 private:
  std::vector<std::uint64_t> made(State state) {
    ++version_;
    state_ = state;
    return std::exchange(waiting_, {});
  }

  State state_ = State::kThere;
  Where where_;
  std::uint64_t epoch_;
  Bytes bytes_{};
  unsigned version_ = 1;
  std::vector<std::uint64_t> waiting_;  // kBeingMade: tasks
};

}  // namespace penstock::client
