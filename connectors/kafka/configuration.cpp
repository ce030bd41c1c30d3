#include "connectors/kafka/configuration.hpp"

#include <algorithm>
#include <chrono>

#include "penstock/error.hpp"

namespace penstock::kafka {
namespace {

constexpr std::size_t kTextSize = 512;

std::string in_milliseconds(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

void set(const char* call, rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  char text[kTextSize];
  if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) == RD_KAFKA_CONF_OK) return;
  throw Error(std::string(call) + ": config {\"" + key + "\", \"" + value + "\"}: " + text);
}

}  // namespace

Conf Connection::configure(const Settings& fixed, const Settings& preset, const Settings& users) const {
  if (brokers.empty()) throw Error(std::string(call) + ": .brokers is empty; it is \"host:port,...\"");
  detail::check_reconnect(call, reconnect);
  Settings all_fixed = fixed;
  all_fixed["bootstrap.servers"] = brokers;
  Conf conf(rd_kafka_conf_new());
  // Connections that are lost are told by Brokers, what cannot heal by errors.
  if (!users.contains("debug") && !users.contains("log_level")) rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  set(call, conf.get(), "reconnect.backoff.ms", in_milliseconds(reconnect.first_pause));
  set(call, conf.get(), "reconnect.backoff.max.ms", in_milliseconds(reconnect.longest_pause));
  for (const auto& [key, value] : all_fixed) set(call, conf.get(), key, value);
  for (const auto& [key, value] : preset) set(call, conf.get(), key, value);
  for (const auto& [key, value] : users) {
    if (all_fixed.contains(key) || key == "metadata.broker.list") {
      throw Error(std::string(call) + ": config must not have \"" + key +
                  "\": it is what the other options say, or what the commits rest on");
    }
    set(call, conf.get(), key, value);
  }
  return conf;
}

rd_kafka_t* make_client(const char* call, rd_kafka_type_t type, Conf conf) {
  char text[kTextSize];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), text, sizeof text);
  if (client == nullptr) throw Error(std::string(call) + ": " + text);
  static_cast<void>(conf.release());  // it belongs to the client now
  return client;
}

void try_client(const char* call, rd_kafka_type_t type, Conf conf) {
  rd_kafka_destroy_flags(make_client(call, type, std::move(conf)), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

std::string text_of(rd_kafka_resp_err_t error) { return rd_kafka_err2str(error); }

int milliseconds_until(TimePoint deadline, TimePoint now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

}  // namespace penstock::kafka
