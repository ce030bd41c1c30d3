// s.map_async(f, n, args...): as map() with a function that returns asio::awaitable<R>, but up to n of
// them run at a time. Results leave in the order of the elements, one after the other.
//
//   in   -1-2-3---------|
//   out  ------a-bc-----|      map_async(f, 2): f(2) waits for f(1), f(3) starts when a has left
//
// An element has one of n places from the start of its function until its result has left, so slow
// downstreams and a slow first element hold up the others: nothing piles up. emit() waits for a free
// place and returns when its function has been started; in a cycle, what comes back with the result that
// is leaving does not wait. What f throws after its attempts goes to the graph's error handler and the
// next drain(), unless the policy says otherwise. The end of the stream waits for all results.
#pragma once

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <deque>
#include <optional>

#include "penstock/detail/awaited_call.hpp"
#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/stream_class.hpp"
#include "penstock/detail/while_running.hpp"

namespace penstock {
namespace detail {

template <class F, class T, class R, class... Extra>
class MapAsyncNode : public Operator<MapAsyncNode<F, T, R, Extra...>, T, R> {
 public:
  MapAsyncNode(NodeBase::Place place, std::size_t places, F function, Extra... extra)
      : Operator<MapAsyncNode, T, R>(std::move(place), "map_async"),
        places_(places),
        call_(std::move(function), std::move(extra)...) {}

  void start() override { this->need_loop({}); }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    items_.push_back({keep<T>(std::forward<U>(value)), delivery.token(), {}, {}, {}, false});
    if (!in_hand_.includes(delivery)) items_.back().delivery = delivery.hold();
    if (items_.size() == 1) flight_ = Flight(this->graph());
    start_functions();
  }

  void end_now(Delivery& delivery) override {
    if (items_.empty()) return this->end_down(delivery);
    end_ = delivery.hold();
    ended_ = true;
  }

  // The functions that run keep their arguments.
  void dismantle() override {
    while (items_.size() > started_) items_.pop_back();
    for (Item& item : items_) {
      item.delivery = {};
      item.token = {};
    }
    end_ = {};
    flight_ = {};
  }

 private:
  struct Item {
    T value;
    Token token;
    Delivery delivery;  // of the emit that waits for the function to start
    std::optional<R> result;
    std::exception_ptr error;
    bool done;
  };

  void start_functions() {
    while (started_ < std::min(items_.size(), places_)) start_function(items_[started_++]);
  }

  void start_function(Item& item) {
    auto self = this->life()->pin();
    if (!self) return;
    // Graph and node, and with them function and argument, are kept while the coroutine runs.
    asio::co_spawn(this->loop()->executor(), run_function(this, &item),
                   [running = WhileRunning<MapAsyncNode>(*this, std::move(self)),
                    &item](std::exception_ptr error) mutable {
                     MapAsyncNode& node = running.over();
                     if (error) item.error = std::move(error);
                     item.done = true;
                     node.send_results();
                   });
  }

  static asio::awaitable<void> run_function(MapAsyncNode* self, Item* item) {
    { const Delivery started = std::move(item->delivery); }
    item->error = co_await self->call_.run(
        *self, item->value, [item](R&& result) { item->result.emplace(std::move(result)); });
  }

  void send_results() {
    if (sending_) return;
    sending_ = true;
    while (!items_.empty() && items_.front().done) {
      const bool delivered = deliver(
          *this, in_hand_, std::move(items_.front().token),
          [this](Delivery& delivery) { send(items_.front(), delivery); },
          [this] {
            leave();
            sending_ = false;
            send_results();
          });
      if (!delivered) return;
      leave();
    }
    sending_ = false;
    if (!items_.empty()) return;
    flight_ = {};
    if (!ended_) return;
    this->end_down(end_);
    end_ = {};
  }

  void send(Item& item, Delivery& delivery) {
    if (item.error) {
      this->give_up(std::move(item.error), call_.element(*this, item.value), delivery);
    } else {
      this->push_down(std::move(*item.result), delivery);
    }
  }

  // The first item's place goes to the next.
  void leave() {
    items_.pop_front();
    --started_;
    start_functions();
  }

  const std::size_t places_;
  const AwaitedCall<F, T, R, Extra...> call_;
  std::deque<Item> items_;   // beyond the places, as many as there are emits in progress
  std::size_t started_ = 0;  // of the first items
  InHand in_hand_;
  bool sending_ = false;
  Flight flight_;
  bool ended_ = false;
  Delivery end_;
};

}  // namespace detail

template <class T>
template <class F, class... Extra>
auto Stream<T>::map_async(F function, std::size_t parallelism, Extra... extra) const {
  using Result = detail::CallResult<F, T, detail::Stored<Extra>...>;
  using Awaitable = detail::IsAwaitable<Result>;
  static_assert(Awaitable::value || !detail::Known<Result>,
                "map_async() needs a function that returns asio::awaitable<R>; use map() for others");
  if (parallelism == 0) throw Error("map_async(): parallelism must be at least 1");
  if constexpr (!Awaitable::value) {
    return detail::refused_stream();
  } else if constexpr (std::is_void_v<typename Awaitable::Value>) {
    static_assert(!Awaitable::value, "map_async() needs an awaitable with a value; use sink()");
    return detail::refused_stream();
  } else {
    using Node = detail::MapAsyncNode<F, T, typename Awaitable::Value, detail::Stored<Extra>...>;
    return handle(attach<Node>(parallelism, std::move(function),
                               detail::Stored<Extra>(std::move(extra))...));
  }
}

}  // namespace penstock
