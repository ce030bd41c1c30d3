// s.sink_to_vector(): keeps every element; for tests and small results. Memory grows with the stream.
//
//   const auto all = source.map(f).sink_to_vector();
//   source.emit(1);
//   all.values();                        // a copy of what has arrived so far; any thread
//
//   in      -1--2----3------|
//   values  -[1][1,2][1,2,3]--
//
// emit() does not wait for anything here. A copy that throws obeys the sink's policy.
#pragma once

#include <mutex>

#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class SinkToVectorNode : public Operator<SinkToVectorNode<T>, T, T> {
 public:
  explicit SinkToVectorNode(NodeBase::Place place)
      : Operator<SinkToVectorNode, T, T>(std::move(place), "sink_to_vector") {}

  template <class U>
  void receive(U&& value, Delivery&) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::forward<U>(value));
  }

  std::vector<T> values() const {
    std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
};

}  // namespace detail

// Keeps the pipeline alive. values() may be called from any thread.
template <class T>
class VectorSink : public Sink {
 public:
  VectorSink(detail::GraphHold hold, detail::SinkToVectorNode<T>* node)
      : Sink(std::move(hold), node), vector_(node) {}

  // A copy of what has arrived so far.
  std::vector<T> values() const {
    const auto node = this->pin();
    return vector_->values();
  }

 private:
  detail::SinkToVectorNode<T>* vector_;
};

template <class T>
VectorSink<T> Stream<T>::sink_to_vector() const {
  return VectorSink<T>(hold_, &attach<detail::SinkToVectorNode<T>>());
}

}  // namespace penstock
