// The state that a node keeps and passes on.
#pragma once

#include <iterator>
#include <list>
#include <optional>
#include <utility>

#include "penstock/detail/node.hpp"
#include "penstock/detail/passing.hpp"

namespace penstock::detail {

// The state of an accumulate, and its emission.
//
// In a cycle an element may come back while downstream still reads the state before it: that one stays
// as it is.
template <class State, Passing = kPassing<State>>
class RunningState {
 public:
  explicit RunningState(std::optional<State> start) {
    if (start) states_.push_back(std::move(*start));
  }
  bool empty() const { return states_.empty(); }
  void set(State&& state) { states_.push_back(std::move(state)); }

  // To be changed.
  State& get() {
    if constexpr (kCopyable<State>) {
      if (emitting_ > 0) states_.push_back(std::as_const(states_.back()));
    }
    return states_.back();
  }

  void push_down(Outlet<State>& outlet, Delivery& delivery) {
    ++emitting_;
    outlet.push_down(std::as_const(states_.back()), delivery);
    if (--emitting_ == 0) states_.erase(states_.begin(), std::prev(states_.end()));
  }

 private:
  std::list<State> states_;  // the last is the current one; none before the first element
  int emitting_ = 0;
};

// A small state is emitted as a copy.
template <class State>
class RunningState<State, Passing::kRegister> {
 public:
  explicit RunningState(std::optional<State> start) : state_(std::move(start)) {}
  bool empty() const { return !state_; }
  void set(State&& state) { state_.emplace(std::move(state)); }
  State& get() { return *state_; }
  void push_down(Outlet<State>& outlet, Delivery& delivery) {
    outlet.push_down(std::as_const(*state_), delivery);
  }

 private:
  std::optional<State> state_;
};

}  // namespace penstock::detail
