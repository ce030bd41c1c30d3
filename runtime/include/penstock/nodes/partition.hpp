// s.partition(n): vectors of n elements. s.partition(n, {.timeout = 1s}) also emits a smaller one when
// its first element has waited that long. The end of the stream emits what is left.
//
//   in   -1-2---3-4---5--|
//   out  ---[1,2]-[3,4]--[5]|      partition(2)
//
// emit() of the element that completes a batch waits for the batch; the others do not wait.
//
// s.partition(n, key[, {.timeout = 1s}]): vectors of n elements with equal key(x). Each key has a batch and
// a timeout of its own; nothing is kept for a key without elements. The end emits what is left in the
// order in which the batches began.
//
//   in   -a1-b1-a2----a3---|
//   out  -------[a1,a2]----[b1][a3]|      partition(2, letter)
//
// While a batch that timed out is being delivered, emit() waits for it and so do other batches that time
// out. What is raised behind such a batch goes to the graph's error handler and the next drain(); behind the
// others to the emit() that completed it. Without a timeout drain() does not wait for a partial batch. What
// key throws obeys the node's policy and leaves the element out. A batch carries the tokens of all its
// elements.
#pragma once

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/keyed_partition.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

template <class T>
class PartitionNode : public Operator<PartitionNode<T>, T, std::vector<T>> {
 public:
  PartitionNode(NodeBase::Place place, std::size_t n, const PartitionOptions& options)
      : Operator<PartitionNode, T, std::vector<T>>(std::move(place), "partition"),
        n_(n),
        options_(options) {}

  void start() override {
    if (options_.timeout) this->need_loop(options_.loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    if (batch_.empty()) batch_.reserve(n_ < 1024 ? n_ : 1024);
    batch_.push_back(std::forward<U>(value));
    if (delivery.token()) tokens_.push_back(delivery.token());
    if (batch_.size() == n_) return flush(delivery);
    if (!options_.timeout) return;
    if (batch_.size() == 1) start_clock();
    due_batches_.wait_while_busy(delivery);
  }

  void flush(Delivery& delivery) {
    if (batch_.empty()) return;
    if (options_.timeout) this->loop()->cancel(timer_);
    due_ = false;
    const auto flight = std::move(flight_);
    const WithToken all(delivery, Token::join(std::exchange(tokens_, {})));
    this->push_down(std::exchange(batch_, {}), delivery);
  }

 private:
  // With a timeout a partial batch is on its way, so drain() waits for it; without, it is state.
  void start_clock() {
    flight_ = Flight(this->graph());
    const TimePoint due = this->loop()->now() + *options_.timeout;
    timer_ = this->loop()->call_at(due, this->while_alive([this] {
      due_ = true;
      send_due();
    }));
  }

  void send_due() {
    while (due_ && !due_batches_.busy()) {
      due_ = false;
      const auto flight = std::move(flight_);
      due_batches_.deliver(
          *this, Token::join(std::exchange(tokens_, {})),
          [this](Delivery& d) { this->push_down(std::exchange(batch_, {}), d); }, [this] { send_due(); });
    }
  }

  const std::size_t n_;
  const PartitionOptions options_;
  std::vector<T> batch_;
  std::vector<Token> tokens_;  // of its elements, as far as they have any
  Loop::Timer timer_;
  Flight flight_;
  bool due_ = false;  // the batch is, and waits for the one before it
  OneByOne due_batches_;
};

}  // namespace detail

template <class T>
Stream<std::vector<T>> Stream<T>::partition(std::size_t n) const {
  return partition(n, PartitionOptions{});
}

template <class T>
Stream<std::vector<T>> Stream<T>::partition(std::size_t n, PartitionOptions options) const {
  if (n == 0) throw Error("partition(n): n must be at least 1");
  return handle(attach<detail::PartitionNode<T>>(n, options));
}

template <class T>
template <class Key>
Stream<std::vector<T>> Stream<T>::partition(std::size_t n, Key key, PartitionOptions options) const {
  constexpr bool kIsTime = std::is_convertible_v<Key, Duration>;
  static_assert(!kIsTime, "partition() takes its time as an option: partition(n, {.timeout = 10ms})");
  if (n == 0) throw Error("partition(n): n must be at least 1");
  if constexpr (kIsTime) {
    return partition(n);
  } else {
    return handle(attach<detail::KeyedPartitionNode<T, Key>>(n, std::move(key), options));
  }
}

}  // namespace penstock
