// The node of a sink with an uplink.
#pragma once

#include "connectors/net/loop_executor.hpp"
#include "connectors/net/uplink.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "penstock/detail/sending_sink.hpp"
#include "penstock/error.hpp"
#include "penstock/stream.hpp"

namespace penstock::net {

class UplinkSink : public detail::SendingSink<UplinkSink, std::string> {
 public:
  using Make = std::function<std::shared_ptr<Uplink>(const boost::asio::any_io_executor& executor)>;

  UplinkSink(detail::Place place, const char* kind, std::size_t window, Make make)
      : SendingSink(std::move(place), kind, window), make_(std::move(make)) {}

  void start() override {
    SendingSink::start();
    uplink_ = make_(executor_of(this->place().domain->shared_loop()));
    uplink_->start();
  }
  void send(const std::string& text, Sent sent) {
    uplink_->send(text, [sent = std::move(sent)](std::exception_ptr error) mutable {
      sent(std::move(error));
    });
  }
  void end_now(detail::Delivery& delivery) override {
    SendingSink::end_now(delivery);
    uplink_->finish();
  }
  void dismantle() override {
    SendingSink::dismantle();
    uplink_->abandon();
  }

 private:
  const Make make_;
  std::shared_ptr<Uplink> uplink_;
};

// Throws Error. `call` is "to_tcp".
inline void check_sink(const char* call, std::size_t window, const ReconnectOptions& reconnect) {
  if (window == 0) throw Error(std::string(call) + "(): window must be at least 1");
  detail::check_reconnect((std::string(call) + "()").c_str(), reconnect);
}

}  // namespace penstock::net
