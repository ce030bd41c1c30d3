#include "connectors/kafka/brokers.hpp"

namespace penstock::kafka {

void Brokers::watch(rd_kafka_conf_t* conf) {
  rd_kafka_conf_interceptor_add_on_new(conf, "penstock", &Brokers::on_new, this);
}

rd_kafka_resp_err_t Brokers::on_new(rd_kafka_t* client, const rd_kafka_conf_t*, void* self, char*, size_t) {
  return rd_kafka_interceptor_add_on_response_received(client, "penstock", &Brokers::on_response, self);
}

// On a thread of librdkafka.
rd_kafka_resp_err_t Brokers::on_response(rd_kafka_t*, int, const char*, int32_t, int16_t, int16_t, int32_t,
                                         size_t, int64_t, rd_kafka_resp_err_t error, void* opaque) {
  auto* self = static_cast<Brokers*>(opaque);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || !self->away_) return RD_KAFKA_RESP_ERR_NO_ERROR;
  if (!self->answered_.exchange(true)) self->wake_->notify();
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool Brokers::take(rd_kafka_resp_err_t error, const char* text) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
      reason_ = text;
      return true;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      if (away_) return true;
      answered_ = false;
      away_ = true;
      tell("no broker of " + addresses_ + " answers (" + (reason_.empty() ? text : reason_) +
           "); trying again");
      return true;
    default:
      return false;
  }
}

void Brokers::look() {
  if (!away_ || !answered_) return;
  away_ = false;
  tell("a broker of " + addresses_ + " answers again");
}

}  // namespace penstock::kafka
