#include "connectors/kafka/consumer_setup.hpp"

#include <algorithm>
#include <cstdlib>

namespace penstock::kafka {

void ConsumerSetup::check() const {
  const auto want = [this](bool fine, const char* text) {
    if (!fine) throw Error(std::string(call) + ": " + text);
  };
  want(!topics.empty(), "there are no topics");
  want(std::ranges::none_of(topics, &std::string::empty), "a topic has an empty name");
  want(!options.group.empty(), ".group is empty; it is the name under which offsets are committed");
  want(options.commit_interval > Duration::zero(), ".commit_interval must be positive");
  want(options.close_timeout >= Duration::zero(), ".close_timeout must not be negative");
  want(options.poll_interval > Duration::zero(), ".poll_interval must be positive");
  want(options.max_outstanding > 0, ".max_outstanding must be at least 1");
  want(options.max_batch > 0, ".max_batch must be at least 1");
  try_client(call, RD_KAFKA_CONSUMER, configure());
}

Conf ConsumerSetup::configure() const {
  const Connection connection{call, options.brokers, options.reconnect};
  const Settings fixed = {{"group.id", options.group},
                          {"auto.offset.reset", options.auto_offset_reset},
                          {"enable.auto.commit", "false"},
                          {"enable.auto.offset.store", "false"}};
  const Settings preset = {{"queued.min.messages", "100000"}, {"queued.max.messages.kbytes", "65536"}};
  Conf conf = connection.configure(fixed, preset, options.config);
  rd_kafka_conf_set_events(conf.get(),
                           RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR);
  return conf;
}

Duration ConsumerSetup::max_poll_interval() const {
  char text[32];
  std::size_t size = sizeof text;
  rd_kafka_conf_get(configure().get(), "max.poll.interval.ms", text, &size);
  return std::chrono::milliseconds(std::atol(text));
}

}  // namespace penstock::kafka
