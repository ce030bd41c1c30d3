#include "penstock/connectors/to_tcp.hpp"

#include "connectors/net/listener.hpp"
#include "connectors/net/uplink_sink.hpp"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <vector>

namespace penstock {
namespace {

using boost::asio::use_awaitable;
using net::tcp;

class TcpUplink : public net::Uplink {
 public:
  TcpUplink(const boost::asio::any_io_executor& executor, std::string host, std::uint16_t port,
            const ToTcpOptions& options)
      : Uplink(executor, "to_tcp(" + host + ":" + std::to_string(port) + ")", options.reconnect),
        host_(std::move(host)),
        port_(std::to_string(port)),
        delimiter_(options.delimiter),
        resolver_(executor),
        socket_(executor) {}

 protected:
  boost::asio::awaitable<void> connect() override {
    cut_ = false;
    socket_ = tcp::socket(executor());
    const auto endpoints = co_await resolver_.async_resolve(host_, port_, use_awaitable);
    if (cut_) throw boost::system::system_error(boost::asio::error::operation_aborted);
    co_await boost::asio::async_connect(socket_, endpoints, use_awaitable);
    net::set_up(socket_);
  }

  boost::asio::awaitable<void> write(Batch batch) override {
    std::vector<boost::asio::const_buffer> buffers;
    for (const auto* text : batch) {
      buffers.push_back(boost::asio::buffer(*text));
      buffers.push_back(boost::asio::buffer(delimiter_));
    }
    const auto number = written();
    co_await boost::asio::async_write(socket_, buffers, use_awaitable);
    confirm(number);
  }

  boost::asio::awaitable<void> read() override {
    std::array<char, 4096> bytes;
    for (;;) co_await socket_.async_read_some(boost::asio::buffer(bytes), use_awaitable);
  }

  boost::asio::awaitable<void> say_goodbye() override {
    socket_.shutdown(tcp::socket::shutdown_send);
    co_return;
  }

  void cut() override {
    cut_ = true;
    resolver_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  const std::string host_;
  const std::string port_;
  const std::string delimiter_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  bool cut_ = false;
};

}  // namespace

ToTcp::ToTcp(std::string host, std::uint16_t port, ToTcpOptions options)
    : host_(std::move(host)), port_(port), options_(std::move(options)) {
  if (host_.empty()) throw Error("to_tcp(): host must not be empty");
  if (port_ == 0) throw Error("to_tcp(): port must be the one that the receiver listens on, not 0");
  net::check_sink("to_tcp", options_.window, options_.reconnect);
}

Sink ToTcp::attach(const Stream<std::string>& stream) const {
  return stream.attach_sink<net::UplinkSink>(
      "to_tcp", options_.window, [host = host_, port = port_, options = options_](const auto& executor) {
        return std::make_shared<TcpUplink>(executor, host, port, options);
      });
}

}  // namespace penstock
