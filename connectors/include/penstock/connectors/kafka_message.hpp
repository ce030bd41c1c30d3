// What from_kafka() emits and to_kafka() takes. All of it can be encoded, so it can be scattered to workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock {

struct KafkaHeader {
  std::string name;
  std::optional<std::string> value = {};  // none: null

  friend bool operator==(const KafkaHeader&, const KafkaHeader&) = default;
};

struct KafkaMessage {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::chrono::system_clock::time_point timestamp = {};  // its producer's or the broker's; none: 1970
  std::optional<std::string> key = {};
  std::string value;
  bool tombstone = false;  // the value is null, which deletes the key from a compacted topic
  std::vector<KafkaHeader> headers = {};
};

struct KafkaRecord {
  std::optional<std::string> key = {};
  std::string value;
  std::optional<std::int32_t> partition = {};  // none: by the key, and without a key at random
  bool tombstone = false;                      // a null in place of the value
  std::vector<KafkaHeader> headers = {};
};

}  // namespace penstock
