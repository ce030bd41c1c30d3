// Options as librdkafka wants them, and its objects with owners.
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>

#include "penstock/reconnect.hpp"

namespace penstock::kafka {

template <auto kDestroy>
struct Destroy {
  void operator()(auto* object) const { kDestroy(object); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, Destroy<rd_kafka_conf_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroy<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Destroy<rd_kafka_event_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Destroy<rd_kafka_message_destroy>>;
using PartitionList =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy<rd_kafka_topic_partition_list_destroy>>;

using Settings = std::map<std::string, std::string>;

// What consumers and producers have in common. Throws Error for what is missing or makes no sense.
struct Connection {
  const char* call;
  std::string brokers;
  ReconnectOptions reconnect;

  // Its settings, then `preset`, then the user's, which may change `preset` but none of `fixed`. Throws
  // Error, which names the key.
  Conf configure(const Settings& fixed, const Settings& preset, const Settings& users) const;
};

// A client of this type. Throws Error.
rd_kafka_t* make_client(const char* call, rd_kafka_type_t type, Conf conf);
// Throws what make_client() would: settings that do not go together, files that are not there.
void try_client(const char* call, rd_kafka_type_t type, Conf conf);

std::string text_of(rd_kafka_resp_err_t error);

// For a call that waits; not negative.
int milliseconds_until(TimePoint deadline, TimePoint now);

}  // namespace penstock::kafka
