// s.map(f, args...): each element x becomes f(x, args...).
//
//   in   -1--2--3--|
//   out  -2--3--4--|      map(x + 1)
//
// f is called with const T& where that compiles, and always through const F&. It may return
// asio::awaitable<R>: the node awaits one element at a time, in order; it needs a loop then.
//
// emit() waits for f and for downstream. What f throws obeys the node's policy.
#pragma once

#include <asio/co_spawn.hpp>
#include <deque>

#include "penstock/detail/awaited_call.hpp"
#include "penstock/detail/stream_class.hpp"
#include "penstock/detail/while_running.hpp"

namespace penstock {
namespace detail {

template <class F, class T, class R, class... Extra>
class MapNode : public Operator<MapNode<F, T, R, Extra...>, T, R> {
 public:
  MapNode(NodeBase::Place place, F function, Extra... extra)
      : Operator<MapNode, T, R>(std::move(place), "map"),
        function_(std::move(function)),
        extra_(std::move(extra)...) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    call_user(
        *this, delivery,
        [&]() -> R {
          return std::apply(
              [&](const Extra&... extra) -> R {
                return call_with(function_, std::forward<U>(value), extra...);
              },
              extra_);
        },
        [&](R&& result) { this->push_down(std::move(result), delivery); });
  }

 private:
  const F function_;
  const std::tuple<Extra...> extra_;
};

// Runs awaitables one after the other. Their arguments wait in a queue, each with its emit's delivery,
// so the queue is as long as there are emits in progress.
template <class Derived, class F, class T, class R, class Out, class... Extra>
class AwaitingNode : public Operator<Derived, T, Out> {
 public:
  AwaitingNode(NodeBase::Place place, const char* kind, F function, Extra... extra)
      : Operator<Derived, T, Out>(std::move(place), kind),
        call_(std::move(function), std::move(extra)...) {}

  void start() override { this->need_loop({}); }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    queue_.push_back({keep<T>(std::forward<U>(value)), delivery.hold(), false});
    if (queue_.size() == 1) run_front();
  }

  void end_now(Delivery& delivery) override {
    if (queue_.empty()) {
      this->end_down(delivery);
    } else {
      queue_.push_back({std::nullopt, delivery.hold(), true});
    }
  }

  // The function that runs keeps its argument.
  void dismantle() override {
    while (queue_.size() > 1) queue_.pop_back();
    if (!queue_.empty()) queue_.front().delivery = {};
  }

 private:
  struct Item {
    std::optional<T> value;
    Delivery delivery;
    bool end;
  };

  void run_front() {
    while (!queue_.empty() && queue_.front().end) {
      this->end_down(queue_.front().delivery);
      queue_.pop_front();
    }
    auto self = this->life()->pin();
    if (queue_.empty() || !self) return;
    // Graph and node, and with them function and argument, are kept while the coroutine runs.
    asio::co_spawn(this->loop()->executor(), run_function(this),
                   [running = WhileRunning<AwaitingNode>(*this, std::move(self))](std::exception_ptr error) mutable {
                     running.over().ran_front(std::move(error));
                   });
  }

  void ran_front(std::exception_ptr error) {
    // Never thrown: run_function catches what the user's function throws.
    if (error) this->graph()->report(std::move(error));
    const Delivery done = std::move(queue_.front().delivery);  // let go last: its emit may emit again
    queue_.pop_front();
    run_front();
  }

  static asio::awaitable<void> run_function(AwaitingNode* self) {
    Item& item = self->queue_.front();
    auto error = co_await self->call_.run(*self, *item.value, [self, &item](auto&&... result) {
      static_cast<Derived*>(self)->completed(std::forward<decltype(result)>(result)...,
                                             item.delivery);
    });
    if (error) self->give_up(std::move(error), self->call_.element(*self, *item.value), item.delivery);
  }

  const AwaitedCall<F, T, R, Extra...> call_;
  std::deque<Item> queue_;
};

template <class F, class T, class R, class... Extra>
class AwaitingMapNode
    : public AwaitingNode<AwaitingMapNode<F, T, R, Extra...>, F, T, R, R, Extra...> {
 public:
  AwaitingMapNode(NodeBase::Place place, F function, Extra... extra)
      : AwaitingNode<AwaitingMapNode, F, T, R, R, Extra...>(std::move(place), "map",
                                                            std::move(function),
                                                            std::move(extra)...) {}
  void completed(R&& result, Delivery& delivery) { this->push_down(std::move(result), delivery); }
};

}  // namespace detail

template <class T>
template <class F, class... Extra>
auto Stream<T>::map(F function, Extra... extra) const {
  using Result = detail::CallResult<F, T, detail::Stored<Extra>...>;
  if constexpr (!detail::Known<Result>) {
    return detail::refused_stream();
  } else if constexpr (std::is_void_v<Result>) {
    static_assert(!std::is_void_v<Result>,
                  "map() needs a function that returns a value; use sink() for one that returns nothing");
    return detail::refused_stream();
  } else if constexpr (detail::IsAwaitable<Result>::value) {
    using Value = typename detail::IsAwaitable<Result>::Value;
    static_assert(!std::is_void_v<Value>, "map() needs an awaitable with a value; use sink()");
    if constexpr (std::is_void_v<Value>) {
      return detail::refused_stream();
    } else {
      using Node = detail::AwaitingMapNode<F, T, Value, detail::Stored<Extra>...>;
      return handle(attach<Node>(std::move(function), detail::Stored<Extra>(std::move(extra))...));
    }
  } else {
    using Node = detail::MapNode<F, T, Result, detail::Stored<Extra>...>;
    return handle(attach<Node>(std::move(function), detail::Stored<Extra>(std::move(extra))...));
  }
}

}  // namespace penstock
