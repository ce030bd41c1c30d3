#include "penstock/connectors/from_http_server.hpp"

#include "connectors/net/server_source.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <string_view>

namespace penstock {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using net::tcp;

constexpr auto kLinger = std::chrono::seconds{2};
constexpr std::size_t kLingerBytes = 1 << 20;

// What a request is answered with instead of becoming an element.
struct Refusal {
  http::status status;
  const char* text;
};

bool is_below(std::string_view target, std::string_view path) {
  target = target.substr(0, target.find('?'));
  if (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (target.substr(0, path.size()) != path) return false;
  return target.size() == path.size() || target[path.size()] == '/';
}

std::optional<Refusal> refusal_for(const error_code& error) {
  if (error == http::error::body_limit) {
    return Refusal{http::status::payload_too_large, "the body is too long"};
  }
  if (error == http::error::header_limit) {
    return Refusal{http::status::request_header_fields_too_large, "the headers are too long"};
  }
  // What the parser objects to; all else is the connection's end.
  if (error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return Refusal{http::status::bad_request, "this is no HTTP request"};
  }
  return std::nullopt;
}

HttpRequest element_of(http::request<http::string_body>&& request) {
  HttpRequest element{std::string(request.method_string()), std::string(request.target()), {}, {}};
  for (const auto& field : request) {
    element.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  element.body = std::move(request.body());
  return element;
}

class HttpConnection : public net::Connection {
 public:
  using Parser = http::request_parser<http::string_body>;

  HttpConnection(tcp::socket socket, const HttpServerOptions& options, net::Post<HttpRequest> post)
      : stream_(std::move(socket)), options_(options), post_(std::move(post)) {}

  boost::asio::awaitable<void> serve() override {
    for (bool goes_on = true; goes_on;) goes_on = co_await serve_one();
    co_await hang_up();
  }
  void close() override { stream_.close(); }

 private:
  // Returns whether another request may follow.
  boost::asio::awaitable<bool> serve_one() {
    Parser parser;
    parser.body_limit(options_.max_body_bytes);
    stream_.expires_after(options_.read_timeout);
    error_code error;
    co_await http::async_read_header(stream_, buffer_, parser, net::into(error));
    if (error) {
      co_await refuse(error);
      co_return false;
    }
    const unsigned version = parser.get().version();
    auto refusal = judge(parser.get());
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      if (refusal) {  // and the body does not follow
        co_await answer(refusal->status, refusal->text, version, false);
        co_return false;
      }
      http::response<http::empty_body> go_on(http::status::continue_, version);
      co_await http::async_write(stream_, go_on, boost::asio::use_awaitable);
    }
    co_await http::async_read(stream_, buffer_, parser, net::into(error));
    if (error) {
      co_await refuse(error);
      co_return false;
    }
    const bool keep_alive = parser.keep_alive();
    if (!refusal && post_->waiting() >= options_.max_waiting) {
      refusal = Refusal{http::status::service_unavailable, "too many requests wait"};
    }
    if (refusal) {
      co_await answer(refusal->status, refusal->text, version, keep_alive);
      co_return keep_alive;
    }
    stream_.expires_never();
    std::vector<HttpRequest> elements;
    elements.push_back(element_of(parser.release()));
    co_await post_->deliver(std::move(elements));
    co_await answer(http::status::ok, "OK", version, keep_alive);
    co_return keep_alive;
  }

  std::optional<Refusal> judge(const Parser::value_type& request) const {
    const auto target = request.target();
    if (!is_below({target.data(), target.size()}, options_.path)) {
      return Refusal{http::status::not_found, "nothing is here"};
    }
    if (request.method() != http::verb::post && request.method() != http::verb::put) {
      return Refusal{http::status::method_not_allowed, "POST or PUT"};
    }
    return std::nullopt;
  }

  boost::asio::awaitable<void> refuse(error_code error) {
    if (const auto refusal = refusal_for(error)) {
      co_await answer(refusal->status, refusal->text, 11, false);
    }
  }

  boost::asio::awaitable<void> answer(http::status status, std::string text, unsigned version,
                                      bool keep_alive) {
    http::response<http::string_body> response(status, version);
    response.set(http::field::content_type, "text/plain");
    if (status == http::status::method_not_allowed) response.set(http::field::allow, "POST, PUT");
    if (status == http::status::service_unavailable) response.set(http::field::retry_after, "1");
    response.body() = text + "\n";
    response.keep_alive(keep_alive);
    response.prepare_payload();
    stream_.expires_after(options_.read_timeout);
    co_await http::async_write(stream_, response, boost::asio::use_awaitable);
  }

  // Reads on for a while what nobody wants: closed with bytes unread, the connection would be reset, and the
  // client might never see its answer.
  boost::asio::awaitable<void> hang_up() {
    error_code error;
    stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    if (error) co_return;
    stream_.expires_after(kLinger);
    std::array<char, 4096> bytes;
    for (std::size_t read = 0; read < kLingerBytes;) {
      read += co_await stream_.async_read_some(boost::asio::buffer(bytes), boost::asio::use_awaitable);
    }
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  const HttpServerOptions options_;
  net::Post<HttpRequest> post_;
};

void check(const HttpServerOptions& options) {
  if (options.path.empty() || options.path.front() != '/') {
    throw Error("from_http_server(): path must begin with '/', not be '" + options.path + "'");
  }
  if (options.max_body_bytes == 0) throw Error("from_http_server(): max_body_bytes must be at least 1");
  if (options.max_waiting == 0) throw Error("from_http_server(): max_waiting must be at least 1");
  if (options.read_timeout <= Duration::zero()) {
    throw Error("from_http_server(): read_timeout must be positive");
  }
}

}  // namespace

Source<HttpRequest> from_http_server(std::uint16_t port, HttpServerOptions options) {
  check(options);
  net::ListenOptions listen{"from_http_server", options.address, port, options.max_connections,
                            options.on_listen};
  const LoopRef loop = std::exchange(options.loop, {});
  return net::make_server_source<HttpRequest>(
      std::move(listen), loop,
      [options = std::move(options)](tcp::socket socket, const std::string&, net::Post<HttpRequest> post) {
        return std::make_shared<HttpConnection>(std::move(socket), options, std::move(post));
      });
}

}  // namespace penstock
