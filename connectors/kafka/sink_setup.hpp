// What to_kafka() was given.
#pragma once

#include <string>

#include "connectors/kafka/configuration.hpp"
#include "penstock/connectors/to_kafka.hpp"

namespace penstock::detail {

struct KafkaSinkSetup {
  std::string topic;
  KafkaSinkOptions options;

  void check() const;  // throws Error
  kafka::Conf configure() const;
};

}  // namespace penstock::detail
