// A message as librdkafka has it, copied.
#pragma once

#include <librdkafka/rdkafka.h>

#include "penstock/connectors/kafka_message.hpp"

namespace penstock::kafka {

inline std::vector<KafkaHeader> headers_of(const rd_kafka_message_t& message) {
  std::vector<KafkaHeader> headers;
  rd_kafka_headers_t* all = nullptr;
  if (rd_kafka_message_headers(&message, &all) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  const char* name;
  const void* value;
  std::size_t size;
  for (std::size_t i = 0; rd_kafka_header_get_all(all, i, &name, &value, &size) == 0; ++i) {
    headers.push_back({name, {}});
    if (value != nullptr) headers.back().value.emplace(static_cast<const char*>(value), size);
  }
  return headers;
}

inline KafkaMessage message_of(const rd_kafka_message_t& message) {
  KafkaMessage made{.topic = rd_kafka_topic_name(message.rkt),
                    .partition = message.partition,
                    .offset = message.offset,
                    .tombstone = message.payload == nullptr,
                    .headers = headers_of(message)};
  rd_kafka_timestamp_type_t kind;
  const auto timestamp = rd_kafka_message_timestamp(&message, &kind);
  if (kind != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) {
    made.timestamp = std::chrono::system_clock::time_point(std::chrono::milliseconds(timestamp));
  }
  if (message.key != nullptr) made.key.emplace(static_cast<const char*>(message.key), message.key_len);
  if (message.payload != nullptr) made.value.assign(static_cast<const char*>(message.payload), message.len);
  return made;
}

}  // namespace penstock::kafka
