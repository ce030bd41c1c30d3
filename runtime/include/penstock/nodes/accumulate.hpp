// s.accumulate(f): a running value. The first element is the first state and is emitted as it is.
// s.accumulate(f, start): starts from `start`; f(start, first) is the first that is emitted.
// s.accumulate(f, start, returns_state): f returns {state, output}; the output is emitted.
// ..., with_state) after any of the last two: a pair of the state and what would be emitted.
//
//   in   -1--2--3--|
//   out  -1--3--6--|      accumulate(a + b)
//
// f is either State(const State&, const T&) (State by value is fine too, and gets a copy) or
// void(State&, const T&), which changes the state where it is: for large states. emit() waits
// for downstream. What f throws obeys the node's policy; in the first form the state then stays as it was.
#pragma once

#include "penstock/detail/accumulate_check.hpp"
#include "penstock/detail/running_state.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class F, class T, class State>
class AccumulateNode : public Operator<AccumulateNode<F, T, State>, T, State> {
 public:
  AccumulateNode(NodeBase::Place place, F function, std::optional<State> start)
      : Operator<AccumulateNode, T, State>(std::move(place), "accumulate"),
        function_(std::move(function)),
        state_(std::move(start)) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    call_user(
        *this, delivery,
        [&] {
          if (state_.empty()) [[unlikely]] {
            if constexpr (std::is_same_v<State, T>) return state_.set(keep<T>(std::forward<U>(value)));
          }
          State& state = state_.get();
          if constexpr (InPlace<F, State, T>) {
            std::invoke(function_, state, std::as_const(value));
          } else {
            state = std::invoke(function_, std::as_const(state), std::as_const(value));
          }
        },
        [&] { state_.push_down(*this, delivery); });
  }

 private:
  const F function_;
  RunningState<State> state_;
};

// Emitted is what the function says is the output, or with the state a pair of both.
template <class F, class T, class State, class Emitted, bool kWithState>
class AccumulateWithOutputNode
    : public Operator<AccumulateWithOutputNode<F, T, State, Emitted, kWithState>, T, Emitted> {
 public:
  AccumulateWithOutputNode(NodeBase::Place place, F function, State start)
      : Operator<AccumulateWithOutputNode, T, Emitted>(std::move(place), "accumulate"),
        function_(std::move(function)),
        state_(std::move(start)) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    call_user(
        *this, delivery,
        [&]() -> Emitted {
          auto result = std::invoke(function_, std::as_const(state_), std::as_const(value));
          state_ = std::get<0>(std::move(result));
          if constexpr (kWithState) {
            return Emitted(state_, std::get<1>(std::move(result)));
          } else {
            return std::get<1>(std::move(result));
          }
        },
        [&](Emitted&& out) { this->push_down(std::move(out), delivery); });
  }

 private:
  const F function_;
  State state_;
};

template <class F, class State, class T>
using OutputOf = std::remove_cvref_t<std::tuple_element_t<1, std::invoke_result_t<const F&, const State&, const T&>>>;

}  // namespace detail

template <class T>
template <class F>
auto Stream<T>::accumulate(F function) const {
  if constexpr (detail::can_accumulate<F, T, T>()) {
    using Node = detail::AccumulateNode<F, T, T>;
    return handle(attach<Node>(std::move(function), std::nullopt));
  } else {
    return *this;
  }
}

template <class T>
template <class F, class State>
auto Stream<T>::accumulate(F function, State start) const {
  if constexpr (detail::can_accumulate<F, State, T>()) {
    using Node = detail::AccumulateNode<F, T, State>;
    return handle(attach<Node>(std::move(function), std::optional<State>(std::move(start))));
  } else {
    return detail::refused_stream();
  }
}

template <class T>
template <class F, class State>
auto Stream<T>::accumulate(F function, State start, ReturnsState) const {
  if constexpr (detail::can_accumulate<F, State, T, detail::AccumulateForm::kStateAndOutput>()) {
    using Node = detail::AccumulateWithOutputNode<F, T, State, detail::OutputOf<F, State, T>, false>;
    return handle(attach<Node>(std::move(function), std::move(start)));
  } else {
    return detail::refused_stream();
  }
}

template <class T>
template <class F, class State>
auto Stream<T>::accumulate(F function, State start, ReturnsState, WithState) const {
  if constexpr (detail::can_accumulate<F, State, T, detail::AccumulateForm::kStateAndOutput>()) {
    using Emitted = std::pair<State, detail::OutputOf<F, State, T>>;
    using Node = detail::AccumulateWithOutputNode<F, T, State, Emitted, true>;
    return handle(attach<Node>(std::move(function), std::move(start)));
  } else {
    return detail::refused_stream();
  }
}

template <class T>
template <class F, class State>
auto Stream<T>::accumulate(F function, State start, WithState) const {
  if constexpr (detail::can_accumulate<F, State, T>()) {
    const auto twice = [function = std::move(function)](const State& before, const T& value) {
      if constexpr (detail::InPlace<F, State, T>) {
        State state = before;
        std::invoke(function, state, value);
        return std::pair<State, State>(state, state);
      } else {
        State state = std::invoke(function, before, value);
        return std::pair<State, State>(state, state);
      }
    };
    return accumulate(twice, std::move(start), returns_state, with_state);
  } else {
    return detail::refused_stream();
  }
}

}  // namespace penstock
