// s.keyed_accumulate(key, f, start): a running value for each key, each from `start`. Emits the key
// of the element and its new value, as a std::pair.
//
//   in   -a1----b5----a2---|
//   out  -(a,1)-(b,5)-(a,3)|      keyed_accumulate(letter, sum + number, 0)
//
// key(x) is a function or a pointer to a member; keys need std::hash and ==, or <. f is as in
// accumulate(): State(const State&, const T&), or void(State&, const T&), which changes the state
// where it is. Key and state are passed on where they are and copied only by who keeps them.
//
// Memory grows with the number of keys. With {.max_keys = n} the key that was not used for the
// longest time is forgotten for the one too many, and starts again from `start` if it comes again.
// emit() waits for downstream. What key or f throws obeys the node's policy; in f's first form the state then
// stays as it was.
#pragma once

#include <functional>
#include <limits>
#include <optional>

#include "penstock/detail/recent_keys.hpp"
#include "penstock/nodes/accumulate.hpp"
#include "penstock/nodes/options.hpp"

namespace penstock {
namespace detail {

template <class K, class F, class T, class Key, class State>
class KeyedAccumulateNode
    : public Operator<KeyedAccumulateNode<K, F, T, Key, State>, T, std::pair<Key, State>> {
  using Item = std::pair<Key, State>;

 public:
  KeyedAccumulateNode(NodeBase::Place place, K key, F function, State start, std::size_t max_keys)
      : Operator<KeyedAccumulateNode, T, Item>(std::move(place), "keyed_accumulate"),
        key_(std::move(key)),
        function_(std::move(function)),
        start_(std::move(start)),
        max_keys_(max_keys) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) noexcept {
    RunningState<Item>* item = nullptr;
    call_user(
        *this, delivery,
        [&] {
          item = &item_of(std::invoke(key_, std::as_const(value)));
          State& state = item->get().second;
          if constexpr (InPlace<F, State, T>) {
            std::invoke(function_, state, std::as_const(value));
          } else {
            state = std::invoke(function_, std::as_const(state), std::as_const(value));
          }
        },
        [&] {
          ++emitting_;
          item->push_down(*this, delivery);
          --emitting_;
        });
  }

 private:
  // In a cycle downstream may still read what would be forgotten: that waits.
  RunningState<Item>& item_of(const Key& key) {
    auto& item = items_.use(key, [&] { return RunningState<Item>(Item(key, start_)); });
    while (emitting_ == 0 && items_.size() > max_keys_) items_.drop_oldest();
    return item;
  }

  const K key_;
  const F function_;
  const State start_;
  const std::size_t max_keys_;
  RecentKeys<Key, RunningState<Item>> items_;
  int emitting_ = 0;
};

}  // namespace detail

template <class T>
template <class K, class F, class State>
auto Stream<T>::keyed_accumulate(K key, F function, State start) const {
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  return keyed_accumulate(std::move(key), std::move(function), std::move(start),
                          {.max_keys = kAll});
}

template <class T>
template <class K, class F, class State>
auto Stream<T>::keyed_accumulate(K key, F function, State start, KeyOptions options) const {
  if (options.max_keys == 0) throw Error("keyed_accumulate(): max_keys must be at least 1");
  constexpr bool kFits = detail::can_accumulate<F, State, T>();
  if constexpr (kFits && detail::KeyCall<K, T>::kFits) {
    using Node = detail::KeyedAccumulateNode<K, F, T, detail::KeyOf<K, T>, State>;
    return handle(attach<Node>(std::move(key), std::move(function), std::move(start),
                               options.max_keys));
  } else {
    return detail::refused_stream();
  }
}

}  // namespace penstock
