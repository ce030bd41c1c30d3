// The node of s.partition(n, key): see nodes/partition.hpp.
#pragma once

#include <list>
#include <vector>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/keyed.hpp"
#include "penstock/nodes/options.hpp"

namespace penstock::detail {

template <class T, class Key>
class KeyedPartitionNode : public Operator<KeyedPartitionNode<T, Key>, T, std::vector<T>> {
  using K = KeyOf<Key, T>;

 public:
  KeyedPartitionNode(NodeBase::Place place, std::size_t n, Key key, const PartitionOptions& options)
      : Operator<KeyedPartitionNode, T, std::vector<T>>(std::move(place), "partition"),
        n_(n),
        key_(std::move(key)),
        options_(options) {}

  void start() override {
    if (options_.timeout) this->need_loop(options_.loop);
  }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    call_key(*this, delivery, key_, std::as_const(value),
             [&](const K& key) { add(key, std::forward<U>(value), delivery); });
  }

  // Once: what a cycle brings back meanwhile begins new batches.
  void flush(Delivery& delivery) {
    Batches rest = std::exchange(batches_, {});
    by_key_.clear();
    for (Batch& batch : rest) {
      if (options_.timeout) this->loop()->cancel(batch.timer);
    }
    for (Batch& batch : rest) send(std::move(batch), delivery);
  }

 private:
  struct Batch {
    const K* key = nullptr;
    std::vector<T> elements = {};
    std::vector<Token> tokens = {};  // of its elements, as far as they have any
    Loop::Timer timer = {};
    bool due = false;
    Flight flight = {};  // with a timeout it is on its way; without, it is state
  };
  using Batches = std::list<Batch>;

  template <class U>
  void add(const K& key, U&& value, Delivery& delivery) {
    const auto found = by_key_.find(key);
    const auto batch = found != by_key_.end() ? found->second : begin(key);
    try {
      batch->elements.push_back(std::forward<U>(value));
    } catch (...) {
      if (batch->elements.empty()) take(batch);
      throw;
    }
    if (delivery.token()) batch->tokens.push_back(delivery.token());
    if (batch->elements.size() == n_) return send(take(batch), delivery);
    if (batch->elements.size() == 1 && options_.timeout) start_clock(batch);
    due_batches_.wait_while_busy(delivery);
  }

  typename Batches::iterator begin(const K& key) {
    Batches begun(1);
    const auto batch = begun.begin();
    batch->key = &by_key_.emplace(key, batch).first->first;
    batches_.splice(batches_.end(), begun);
    return batch;
  }

  Batch take(typename Batches::iterator batch) {
    if (options_.timeout) this->loop()->cancel(batch->timer);
    Batch taken = std::move(*batch);
    by_key_.erase(by_key_.find(*taken.key));
    batches_.erase(batch);
    return taken;
  }

  void send(Batch batch, Delivery& delivery) {
    const WithToken all(delivery, Token::join(std::move(batch.tokens)));
    this->push_down(std::move(batch.elements), delivery);
  }

  void start_clock(typename Batches::iterator batch) {
    batch->flight = Flight(this->graph());
    const TimePoint due = this->loop()->now() + *options_.timeout;
    batch->timer = this->loop()->call_at(due, this->while_alive([this, batch] {
      batch->due = true;
      send_due();
    }));
  }

  // One after the other. All have the same timeout, so the first due is the first that began.
  void send_due() {
    while (!due_batches_.busy() && !batches_.empty() && batches_.front().due) {
      Batch batch = take(batches_.begin());
      due_batches_.deliver(
          *this, Token::join(std::move(batch.tokens)),
          [&](Delivery& d) { this->push_down(std::move(batch.elements), d); }, [this] { send_due(); });
    }
  }

  const std::size_t n_;
  const Key key_;
  const PartitionOptions options_;
  Batches batches_;  // in the order of their first elements
  KeyMap<K, typename Batches::iterator> by_key_;
  OneByOne due_batches_;
};

}  // namespace penstock::detail
