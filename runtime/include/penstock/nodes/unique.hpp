// s.unique(options, key): passes the first element with each key and drops the others; without a key
// function the element is its key.
//
//   in   -1-2-1-3-2--|
//   out  -1-2---3----|
//
// Without options.maxsize every key is remembered and memory grows with each new one: for streams with few
// keys. With it, that many keys are remembered, and an element with a forgotten key passes again. A key
// that comes again, passed or dropped, is the newest then.
//
// emit() waits for downstream; a dropped element makes it wait for nothing, and its token is released. What
// key throws obeys the node's policy and leaves the element out.
#pragma once

#include <list>

#include "penstock/detail/keyed.hpp"
#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

// The keys that have come, of which it keeps the newest.
template <class K>
class KeyHistory {
 public:
  explicit KeyHistory(std::optional<std::size_t> maxsize) : maxsize_(maxsize) {}

  // True: it is new.
  bool add(const K& key) {
    if (!maxsize_) return known_.try_emplace(key).second;
    if (const auto found = known_.find(key); found != known_.end()) {
      order_.splice(order_.end(), order_, found->second);
      return false;
    }
    if (known_.size() == *maxsize_) {
      known_.erase(known_.find(*order_.front()));
      order_.pop_front();
    }
    const auto added = known_.try_emplace(key).first;
    added->second = order_.insert(order_.end(), &added->first);
    return true;
  }

 private:
  using Order = std::list<const K*>;

  const std::optional<std::size_t> maxsize_;
  Order order_;  // the newest last; unused without a limit
  KeyMap<K, typename Order::iterator> known_;
};

template <class T, class Key>
class UniqueNode : public Operator<UniqueNode<T, Key>, T, T> {
 public:
  UniqueNode(NodeBase::Place place, const UniqueOptions& options, Key key)
      : Operator<UniqueNode, T, T>(std::move(place), "unique"),
        key_(std::move(key)),
        history_(options.maxsize) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    call_key(*this, delivery, key_, std::as_const(value), [&](const KeyOf<Key, T>& key) {
      if (history_.add(key)) this->push_down(std::forward<U>(value), delivery);
    });
  }

 private:
  const Key key_;
  KeyHistory<KeyOf<Key, T>> history_;
};

}  // namespace detail

template <class T>
template <class Key>
Stream<T> Stream<T>::unique(UniqueOptions options, Key key) const {
  if (options.maxsize == 0U) throw Error("unique(): maxsize must be at least 1");
  return handle(attach<detail::UniqueNode<T, Key>>(options, std::move(key)));
}

}  // namespace penstock
