// The producer behind to_kafka(), without the library that it uses.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/connectors/kafka_message.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

struct KafkaSinkSetup;

// Told once what became of a record; dropped without that when its producer goes.
class KafkaDelivery {
 public:
  virtual ~KafkaDelivery() = default;
  virtual void over(std::exception_ptr error) = 0;  // null: it arrived
};

// A record that stays where it is until its delivery is over.
struct KafkaPayload {
  std::optional<std::string_view> key = {};
  std::optional<std::string_view> value;  // none: null
  std::optional<std::int32_t> partition = {};
  const std::vector<KafkaHeader>* headers = nullptr;
};

inline KafkaPayload payload_of(const std::string& value) { return {.value = value}; }
inline KafkaPayload payload_of(const KafkaRecord& record) {
  KafkaPayload payload{.partition = record.partition};
  if (record.key) payload.key = *record.key;
  if (!record.tombstone) payload.value = record.value;
  if (!record.headers.empty()) payload.headers = &record.headers;
  return payload;
}

// On the loop's thread only.
class KafkaProducer {
 public:
  // Throws Error when librdkafka refuses the options together.
  static std::shared_ptr<KafkaProducer> create(std::shared_ptr<const KafkaSinkSetup> setup,
                                               std::shared_ptr<Loop> loop);
  virtual ~KafkaProducer() = default;

  virtual void send(const KafkaPayload& payload, std::unique_ptr<KafkaDelivery> delivery) = 0;
};

}  // namespace penstock::detail
