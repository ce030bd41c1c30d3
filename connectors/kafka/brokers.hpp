// Whether any broker answers, told once each time that changes.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <string>

#include "connectors/kafka/event_fd.hpp"
#include "penstock/reconnect.hpp"

namespace penstock::kafka {

// Belongs to one client of librdkafka, which must go first. On the loop's thread, unless it says otherwise.
class Brokers {
 public:
  // `wake`: notified when a broker answers again.
  Brokers(std::string call, std::string addresses, ReconnectOptions options, std::shared_ptr<EventFd> wake)
      : call_(std::move(call)),
        addresses_(std::move(addresses)),
        options_(std::move(options)),
        wake_(std::move(wake)) {}

  // Has the client that is made of `conf` tell of answers.
  void watch(rd_kafka_conf_t* conf);

  // An error event. False when it is none of the connection, and somebody else's.
  bool take(rd_kafka_resp_err_t error, const char* text);
  void look();  // after a wake-up

  bool away() const { return away_; }

 private:
  static rd_kafka_resp_err_t on_new(rd_kafka_t*, const rd_kafka_conf_t*, void*, char*, size_t);
  static rd_kafka_resp_err_t on_response(rd_kafka_t*, int, const char*, int32_t, int16_t, int16_t, int32_t,
                                         size_t, int64_t, rd_kafka_resp_err_t, void*);
  void tell(const std::string& text) { detail::notice(options_, call_, text); }

  const std::string call_;
  const std::string addresses_;
  const ReconnectOptions options_;
  const std::shared_ptr<EventFd> wake_;
  std::string reason_;                 // the last that a connection failed for
  std::atomic<bool> away_{false};      // set on the loop's thread, read on librdkafka's
  std::atomic<bool> answered_{false};  // the reverse
};

}  // namespace penstock::kafka
