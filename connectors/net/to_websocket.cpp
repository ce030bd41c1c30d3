#include "penstock/connectors/to_websocket.hpp"

#include "connectors/net/listener.hpp"
#include "connectors/net/uplink_sink.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace penstock {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::use_awaitable;
using net::tcp;

constexpr auto kClientHandshake = std::chrono::seconds{5};

struct Address {
  std::string subject;  // of notices
  std::string host;
  std::string port;
  std::string path;
};

// None for what is no number, whole.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class WebsocketUplink : public net::Uplink {
 public:
  WebsocketUplink(const boost::asio::any_io_executor& executor, Address address,
                  const ToWebsocketOptions& options)
      : Uplink(executor, address.subject, options.reconnect),
        address_(std::move(address)),
        binary_(options.binary),
        resolver_(executor) {}

 protected:
  boost::asio::awaitable<void> connect() override {
    cut_ = false;
    stream_.emplace(executor());
    const auto endpoints = co_await resolver_.async_resolve(address_.host, address_.port, use_awaitable);
    if (cut_) throw boost::system::system_error(boost::asio::error::operation_aborted);
    auto& socket = beast::get_lowest_layer(*stream_);
    co_await socket.async_connect(endpoints, use_awaitable);
    net::set_up(socket.socket());
    stream_->set_option(
        websocket::stream_base::timeout{kClientHandshake, websocket::stream_base::none(), false});
    stream_->binary(binary_);
    stream_->read_message_max(0);  // read in pieces, and dropped
    stream_->control_callback([this](websocket::frame_type type, beast::string_view payload) {
      if (type == websocket::frame_type::pong) pong({payload.data(), payload.size()});
    });
    const bool is_v6 = address_.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + address_.host + "]" : address_.host;
    co_await stream_->async_handshake(host + ":" + address_.port, address_.path, use_awaitable);
  }

  boost::asio::awaitable<void> write(Batch batch) override {
    const auto number = written();
    for (const auto* text : batch) co_await stream_->async_write(boost::asio::buffer(*text), use_awaitable);
    const websocket::ping_data payload(std::to_string(number));
    co_await stream_->async_ping(payload, use_awaitable);
  }

  boost::asio::awaitable<void> read() override {
    std::array<char, 4096> bytes;
    for (;;) co_await stream_->async_read_some(boost::asio::buffer(bytes), use_awaitable);
  }

  boost::asio::awaitable<void> say_goodbye() override {
    co_await stream_->async_close(websocket::close_code::normal, use_awaitable);
  }

  void cut() override {
    cut_ = true;
    resolver_.cancel();
    if (stream_) beast::get_lowest_layer(*stream_).close();
  }

 private:
  // In a callback of its own: what a confirmed element sets off must not run inside of a read.
  void pong(std::string_view payload) {
    const auto number = number_in(payload);
    if (!number) return;  // none of ours
    boost::asio::post(executor(), [self = shared_from_this(), this, number] { confirm(*number); });
  }

  const Address address_;
  const bool binary_;
  tcp::resolver resolver_;
  std::optional<websocket::stream<beast::tcp_stream>> stream_;
  bool cut_ = false;
};

[[noreturn]] void throw_bad_uri(const std::string& uri, const std::string& why) {
  throw Error("to_websocket(): '" + uri + "' " + why + "; it must be like ws://host:port/path");
}

}  // namespace

ToWebsocket::ToWebsocket(std::string uri, ToWebsocketOptions options)
    : uri_(std::move(uri)), options_(std::move(options)) {
  constexpr std::string_view kScheme = "ws://";
  std::string_view rest = uri_;
  if (rest.substr(0, 6) == "wss://") throw_bad_uri(uri_, "wants TLS, which is not supported");
  if (rest.substr(0, kScheme.size()) != kScheme) throw_bad_uri(uri_, "does not begin with ws://");
  rest.remove_prefix(kScheme.size());
  const auto slash = std::min(rest.find_first_of("/?"), rest.size());
  path_ = rest.substr(slash);
  if (path_.empty() || path_.front() != '/') path_.insert(0, "/");
  rest = rest.substr(0, slash);
  const bool is_v6 = !rest.empty() && rest.front() == '[';
  const auto bracket = is_v6 ? rest.find(']') : 0;
  if (bracket == std::string_view::npos) throw_bad_uri(uri_, "has no ] behind its address");
  const auto colon = std::min(rest.find(':', bracket), rest.size());
  host_ = is_v6 ? rest.substr(1, bracket - 1) : rest.substr(0, colon);
  port_ = colon < rest.size() ? rest.substr(colon + 1) : "80";
  if (host_.empty()) throw_bad_uri(uri_, "has no host");
  const auto number = number_in(port_).value_or(0);
  if (number == 0 || number > 65535) throw_bad_uri(uri_, "has a port that is none");
  net::check_sink("to_websocket", options_.window, options_.reconnect);
}

Sink ToWebsocket::attach(const Stream<std::string>& stream) const {
  return stream.attach_sink<net::UplinkSink>(
      "to_websocket", options_.window,
      [address = Address{"to_websocket(" + uri_ + ")", host_, port_, path_},
       options = options_](const auto& executor) {
        return std::make_shared<WebsocketUplink>(executor, address, options);
      });
}

}  // namespace penstock
