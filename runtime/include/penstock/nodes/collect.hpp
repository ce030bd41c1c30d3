// s.collect(): keeps every element until flush() is called on what it returns; then one vector comes out.
// Memory grows until then.
//
//   in     -1-2----3----4-|
//   flush  -----*-----*---|
//   out    -----[1,2]-[3]-[4]|
//
// The end of the stream emits what is left, if there is anything; flush() emits an empty vector too. emit()
// does not wait; flush() does, for downstream, and throws what is raised there. The vector's token is that of
// all its elements.
#pragma once

#include "penstock/detail/batch.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class CollectNode : public Operator<CollectNode<T>, T, std::vector<T>> {
 public:
  explicit CollectNode(NodeBase::Place place)
      : Operator<CollectNode, T, std::vector<T>>(std::move(place), "collect") {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    elements_.add(*this, std::forward<U>(value), delivery);
  }

  void flush(Delivery& delivery) {
    ended_ = true;
    if (elements_.size() > 0) flush_now(delivery);
  }

  // Of the handle: nothing is empty again after the end.
  void flush_on_demand(Delivery& delivery) {
    if (!ended_ || elements_.size() > 0) flush_now(delivery);
  }

 private:
  void flush_now(Delivery& delivery) {
    Batch<T> batch = elements_.take();
    const WithToken all(delivery, std::move(batch.token));
    this->push_down(std::move(batch.elements), delivery);
  }

  AllElements<T> elements_;
  bool ended_ = false;
};

}  // namespace detail

// The stream of what was collected.
template <class T>
class Collected : public Stream<std::vector<T>> {
 public:
  Collected(Stream<std::vector<T>> stream, detail::CollectNode<T>* node)
      : Stream<std::vector<T>>(std::move(stream)), collect_(node) {}

  // Emits what has been collected since the last time; blocks and throws like emit().
  void flush() const {
    this->run_blocking("flush()", "async_flush()", {}, flushing());
  }
  // The same with a completion token: void(std::exception_ptr).
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_flush(CompletionToken&& completion = {}) const {
    return this->run_async(std::forward<CompletionToken>(completion), {}, flushing());
  }

 private:
  auto flushing() const {
    return [node = collect_](const detail::NodeLife&, detail::Delivery& delivery) {
      node->flush_on_demand(delivery);
    };
  }

  detail::CollectNode<T>* collect_;
};

template <class T>
Collected<T> Stream<T>::collect() const {
  auto& made = attach<detail::CollectNode<T>>();
  return Collected<T>(handle(made), &made);
}

}  // namespace penstock
