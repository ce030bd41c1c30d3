// What from_kafka() and from_kafka_batched() were given.
#pragma once

#include <string>
#include <vector>

#include "connectors/kafka/configuration.hpp"
#include "penstock/connectors/from_kafka.hpp"

namespace penstock::kafka {

struct ConsumerSetup {
  const char* call;  // for messages
  std::vector<std::string> topics;
  KafkaSourceOptions options;

  void check() const;  // throws Error
  Conf configure() const;
  Duration max_poll_interval() const;
};

}  // namespace penstock::kafka
