// s.sink(f, args...): calls f(x, args...) for each element; the end of a pipeline.
//
//   source.sink([](int x) { std::cout << x << '\n'; });
//
//   in      -1--2--3--|
//   prints  -1--2--3---      each before emit() returns
//
// emit() waits for f. f may return asio::awaitable<void>: elements are handled one after the other, in
// order, on the graph's loop. What f throws obeys the sink's policy. What is returned, a Sink, keeps the
// pipeline alive.
#pragma once

#include "penstock/nodes/map.hpp"

namespace penstock {
namespace detail {

template <class F, class T, class... Extra>
class SinkNode : public Operator<SinkNode<F, T, Extra...>, T, Nothing> {
 public:
  SinkNode(NodeBase::Place place, F function, Extra... extra)
      : Operator<SinkNode, T, Nothing>(std::move(place), "sink"),
        function_(std::move(function)),
        extra_(std::move(extra)...) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    call_user(
        *this, delivery,
        [&] {
          std::apply(
              [&](const Extra&... extra) {
                static_cast<void>(call_with(function_, std::forward<U>(value), extra...));
              },
              extra_);
        },
        [] {});
  }

 private:
  [[no_unique_address]] const F function_;
  [[no_unique_address]] const std::tuple<Extra...> extra_;
};

template <class F, class T, class R, class... Extra>
class AwaitingSinkNode
    : public AwaitingNode<AwaitingSinkNode<F, T, R, Extra...>, F, T, R, Nothing, Extra...> {
 public:
  AwaitingSinkNode(NodeBase::Place place, F function, Extra... extra)
      : AwaitingNode<AwaitingSinkNode, F, T, R, Nothing, Extra...>(
            std::move(place), "sink", std::move(function), std::move(extra)...) {}
  template <class... Ignored>
  void completed(Ignored&&...) {}
};

}  // namespace detail

template <class T>
template <class F, class... Extra>
Sink Stream<T>::sink(F function, Extra... extra) const {
  using Result = detail::CallResult<F, T, detail::Stored<Extra>...>;
  if constexpr (detail::IsAwaitable<Result>::value) {
    using Value = typename detail::IsAwaitable<Result>::Value;
    using Node = detail::AwaitingSinkNode<F, T, Value, detail::Stored<Extra>...>;
    return attach_sink<Node>(std::move(function), detail::Stored<Extra>(std::move(extra))...);
  } else {
    using Node = detail::SinkNode<F, T, detail::Stored<Extra>...>;
    return attach_sink<Node>(std::move(function), detail::Stored<Extra>(std::move(extra))...);
  }
}

template <class T>
template <class None>
Sink Stream<T>::sink() const {
  static_assert(!std::is_same_v<None, T>,
                "sink() needs the function that is called with each element, as in sink([](const auto& x) { ... "
                "}); sink_to_vector() collects them");
  return sink([](const T&) {});
}

}  // namespace penstock
