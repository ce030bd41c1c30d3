#include "penstock/connectors/from_websocket.hpp"

#include "connectors/net/server_source.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <utility>
#include <vector>

namespace penstock {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;
using net::tcp;

constexpr auto kServerHandshake = std::chrono::seconds{5};

class MessageConnection : public net::Connection, public std::enable_shared_from_this<MessageConnection> {
 public:
  MessageConnection(tcp::socket socket, std::string peer, std::size_t max_bytes, net::Post<std::string> post)
      : stream_(std::move(socket)), peer_(std::move(peer)), max_bytes_(max_bytes), post_(std::move(post)) {}

  boost::asio::awaitable<void> serve() override {
    co_await shake_hands();
    for (;;) {
      beast::flat_buffer buffer;
      error_code error;
      co_await stream_.async_read(buffer, net::into(error));
      if (error) co_return too_big(error);
      const auto bytes = buffer.cdata();
      std::vector<std::string> messages;
      messages.emplace_back(static_cast<const char*>(bytes.data()), bytes.size());
      buffer = {};
      co_await post_->deliver(std::move(messages));
    }
  }

  void close() override {
    if (!stream_.is_open()) return beast::get_lowest_layer(stream_).close();
    if (std::exchange(closing_, true)) return;
    stream_.async_close(websocket::close_code::going_away, [self = shared_from_this()](error_code) {
      beast::get_lowest_layer(self->stream_).close();
    });
  }

 private:
  boost::asio::awaitable<void> shake_hands() {
    auto& socket = beast::get_lowest_layer(stream_);
    socket.expires_after(kServerHandshake);
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    co_await http::async_read(socket, buffer, request, boost::asio::use_awaitable);
    socket.expires_never();
    // No idle timeout: while the stream is slow nothing is read, and the peer would seem dead.
    stream_.set_option(
        websocket::stream_base::timeout{kServerHandshake, websocket::stream_base::none(), false});
    stream_.read_message_max(max_bytes_);
    co_await stream_.async_accept(request, boost::asio::use_awaitable);
  }

  void too_big(error_code error) {
    if (error != websocket::error::message_too_big) return;
    post_->report(std::make_exception_ptr(
        Error("from_websocket(): " + peer_ + " sent a message of more than max_message_bytes (" +
              std::to_string(max_bytes_) + "); its connection was closed")));
  }

  websocket::stream<beast::tcp_stream> stream_;
  const std::string peer_;
  const std::size_t max_bytes_;
  net::Post<std::string> post_;
  bool closing_ = false;
};

}  // namespace

Source<std::string> from_websocket(std::uint16_t port, WebsocketServerOptions options) {
  if (options.max_message_bytes == 0) throw Error("from_websocket(): max_message_bytes must be at least 1");
  net::ListenOptions listen{"from_websocket", options.address, port, options.max_connections,
                            options.on_listen};
  return net::make_server_source<std::string>(
      std::move(listen), options.loop,
      [max_bytes = options.max_message_bytes](tcp::socket socket, std::string peer,
                                              net::Post<std::string> post) {
        return std::make_shared<MessageConnection>(std::move(socket), std::move(peer), max_bytes,
                                                   std::move(post));
      });
}

}  // namespace penstock
