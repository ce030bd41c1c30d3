// to_kafka(topic, options): writes each element, a std::string or a KafkaRecord, into a Kafka topic.
//
//   bills.map(to_json).pipe(penstock::to_kafka("bills", {.brokers = "localhost:9092"}));
//
//   in     -a-b-c----|
//   topic  --a-b-c----      in the order of the elements, in each partition
//   done   ----a-b-c--      the brokers have it: the token is released
//
// At most `window` elements are on their way; emit() returns when the element is, and waits for a place.
// Token and drain() wait until the brokers have it (acks=all), so from_kafka(...) ... to_kafka(...)
// commits no message whose result is not in Kafka. The end of the stream waits for all.
//
// Idempotent by default (enable.idempotence): what librdkafka sends again is neither doubled nor out of
// order. A program that starts anew after a crash does send again what was not committed.
//
// Errors. A delivery that failed for good (no answer within message.timeout.ms, 5 minutes by default;
// refused; too large) obeys the policy of the sink; retry() sends it again, then behind those that follow it.
// Brokers that go away, and come back, are told once through reconnect.on_notice; meanwhile elements wait.
// Bad options throw Error, an unknown key of `config` with its name.
//
// A graph that goes, or destroy(), drops what is on its way: drain() or close() before. Runs on the graph's
// loop; no thread of Penstock's own.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "penstock/connectors/detail/kafka_producer.hpp"
#include "penstock/connectors/kafka_message.hpp"
#include "penstock/detail/sending_sink.hpp"
#include "penstock/reconnect.hpp"
#include "penstock/stream.hpp"

namespace penstock {

struct KafkaSinkOptions {
  std::string brokers;  // "host:9092,other:9092"
  // Passed to librdkafka as it is, as {{"compression.type", "zstd"}, {"linger.ms", "20"},
  // {"partitioner", "murmur2_random"}} (where Java's producers put a key). Not what the options here set.
  std::map<std::string, std::string> config = {};
  std::size_t window = 100'000;  // elements on their way; their bytes: queue.buffering.max.kbytes, 1 GiB
  ReconnectOptions reconnect = {};
};

namespace detail {

template <class T>
class KafkaSinkNode : public SendingSink<KafkaSinkNode<T>, T> {
  using Base = SendingSink<KafkaSinkNode<T>, T>;

 public:
  using typename Base::Sent;

  KafkaSinkNode(NodeBase::Place place, std::shared_ptr<const KafkaSinkSetup> setup, std::size_t window)
      : Base(std::move(place), "to_kafka", window), setup_(std::move(setup)) {}

  void start() override {
    Base::start();
    producer_ = KafkaProducer::create(setup_, this->place().domain->shared_loop());
  }

  void send(const T& value, Sent sent) {
    if (!producer_) return;  // `sent` says so
    producer_->send(payload_of(value), std::make_unique<Delivered>(std::move(sent)));
  }

 private:
  struct Delivered : KafkaDelivery {
    explicit Delivered(Sent s) : sent(std::move(s)) {}
    void over(std::exception_ptr error) override { sent(std::move(error)); }
    Sent sent;
  };

  const std::shared_ptr<const KafkaSinkSetup> setup_;
  std::shared_ptr<KafkaProducer> producer_;
};

}  // namespace detail

// What to_kafka() returns: for Stream<T>::pipe().
class ToKafka {
 public:
  ToKafka(std::shared_ptr<const detail::KafkaSinkSetup> setup, std::size_t window)
      : setup_(std::move(setup)), window_(window) {}

  template <class T>
  Sink operator()(const Stream<T>& stream) const {
    static_assert(std::is_same_v<T, std::string> || std::is_same_v<T, KafkaRecord>,
                  "to_kafka() takes std::string or penstock::KafkaRecord: map() the elements to one of them");
    return stream.template attach_sink<detail::KafkaSinkNode<T>>(setup_, window_);
  }

 private:
  std::shared_ptr<const detail::KafkaSinkSetup> setup_;
  std::size_t window_;
};

ToKafka to_kafka(std::string topic, KafkaSinkOptions options);

}  // namespace penstock
