#include "penstock/connectors/to_kafka.hpp"

#include <algorithm>

#include "connectors/kafka/sink_setup.hpp"

namespace penstock {
namespace detail {
namespace {

constexpr std::size_t kMostMessages = 10'000'000;  // what librdkafka takes for its queue

}  // namespace

void KafkaSinkSetup::check() const {
  if (topic.empty()) throw Error("to_kafka(): the topic has an empty name");
  if (options.window == 0 || options.window > kMostMessages) {
    throw Error("to_kafka(): .window must be from 1 to " + std::to_string(kMostMessages));
  }
  kafka::try_client("to_kafka()", RD_KAFKA_PRODUCER, configure());
}

kafka::Conf KafkaSinkSetup::configure() const {
  const kafka::Connection connection{"to_kafka()", options.brokers, options.reconnect};
  kafka::Conf conf = connection.configure(
      {{"queue.buffering.max.messages", std::to_string(options.window)}},
      {{"enable.idempotence", "true"}}, options.config);
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  return conf;
}

}  // namespace detail

ToKafka to_kafka(std::string topic, KafkaSinkOptions options) {
  const auto window = options.window;
  auto setup = std::make_shared<detail::KafkaSinkSetup>(
      detail::KafkaSinkSetup{std::move(topic), std::move(options)});
  setup->check();
  return {std::move(setup), window};
}

}  // namespace penstock
