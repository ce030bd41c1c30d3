// s.partition_unique(n, key, keep): vectors of n elements with distinct keys; without a key function the
// element is its key.
//
//   in   -1-2-1-3-----2-|
//   out  -------[1,2,3]-[2]|      partition_unique(3)
//   out  -------[2,1,3]-[2]|      partition_unique(3, {}, Keep::kLast)
//
// Keep::kFirst drops an element whose key is in the batch already; with Keep::kLast it takes the place of
// the earlier one, which is dropped, and moves to the end. emit() of the element that completes a batch
// waits for the batch; the others do not wait. The end of the stream emits what is left. A batch carries the
// tokens of its elements; that of a dropped one is released at once. What key throws obeys the node's policy
// and leaves the element out.
#pragma once

#include "penstock/detail/batch.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T, class Key>
class PartitionUniqueNode : public Operator<PartitionUniqueNode<T, Key>, T, std::vector<T>> {
 public:
  PartitionUniqueNode(NodeBase::Place place, std::size_t n, Key key, Keep keep)
      : Operator<PartitionUniqueNode, T, std::vector<T>>(std::move(place), "partition_unique"),
        n_(n),
        elements_(std::move(key), keep) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    if (elements_.add(*this, std::forward<U>(value), delivery) && elements_.size() == n_) {
      flush(delivery);
    }
  }

  void flush(Delivery& delivery) {
    if (elements_.size() == 0) return;
    Batch<T> batch = elements_.take();
    const WithToken all(delivery, std::move(batch.token));
    this->push_down(std::move(batch.elements), delivery);
  }

 private:
  const std::size_t n_;
  DistinctElements<T, Key> elements_;
};

}  // namespace detail

template <class T>
template <class Key>
Stream<std::vector<T>> Stream<T>::partition_unique(std::size_t n, Key key, Keep keep) const {
  if (n == 0) throw Error("partition_unique(n): n must be at least 1");
  return handle(attach<detail::PartitionUniqueNode<T, Key>>(n, std::move(key), keep));
}

}  // namespace penstock
