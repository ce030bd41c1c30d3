// s.unique(options, key): passes the first element with each key and drops the others; without a key
// function the element is its key.
//
//   in   -1-2-1-3-2--|
//   out  -1-2---3----|
//
// Without options.maxsize every key is remembered and memory grows with each new one: for streams with few
// keys. With it, that many keys are remembered, and an element with a forgotten key passes again. A key
// that comes again, passed or dropped, is the newest then. A key that does not equal itself (NaN) is an error
// of its element.
//
// emit() waits for downstream; a dropped element makes it wait for nothing, and its token is released. What
// key throws obeys the node's policy and leaves the element out.
#pragma once

#include <limits>

#include "penstock/detail/recent_keys.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T, class Key>
class UniqueNode : public Operator<UniqueNode<T, Key>, T, T> {
 public:
  UniqueNode(NodeBase::Place place, const UniqueOptions& options, Key key)
      : Operator<UniqueNode, T, T>(std::move(place), "unique"),
        key_(std::move(key)),
        maxsize_(options.maxsize.value_or(std::numeric_limits<std::size_t>::max())) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    call_key(*this, delivery, key_, std::as_const(value), [&](const KeyOf<Key, T>& key) {
      if (is_new(key)) this->push_down(std::forward<U>(value), delivery);
    });
  }

 private:
  struct Known {};

  bool is_new(const KeyOf<Key, T>& key) {
    bool is_new = false;
    known_.use(key, [&is_new] {
      is_new = true;
      return Known{};
    });
    if (known_.size() > maxsize_) known_.drop_oldest();
    return is_new;
  }

  const Key key_;
  const std::size_t maxsize_;
  RecentKeys<KeyOf<Key, T>, Known> known_;
};

}  // namespace detail

template <class T>
template <class Key>
Stream<T> Stream<T>::unique(UniqueOptions options, Key key) const {
  if (options.maxsize == 0U) throw Error("unique(): maxsize must be at least 1");
  return handle(attach<detail::UniqueNode<T, Key>>(options, std::move(key)));
}

}  // namespace penstock
