#include "penstock/connectors/from_tcp.hpp"

#include "connectors/net/server_source.hpp"

#include <array>
#include <utility>
#include <vector>

#include "penstock/detail/line_splitter.hpp"

namespace penstock {
namespace {

using net::tcp;

class LineConnection : public net::Connection {
 public:
  LineConnection(tcp::socket socket, const std::string& peer, const FromTcpOptions& options,
                 net::Post<std::string> post)
      : socket_(std::move(socket)),
        lines_("from_tcp(): " + peer, options.delimiter, options.max_line_bytes),
        post_(std::move(post)) {}

  boost::asio::awaitable<void> serve() override {
    for (;;) {
      const auto bytes =
          co_await socket_.async_read_some(boost::asio::buffer(bytes_), boost::asio::use_awaitable);
      lines_.append({bytes_.data(), bytes});
      std::vector<std::exception_ptr> errors;
      auto lines = whole_lines(errors);
      if (!lines.empty() || !errors.empty()) co_await post_->deliver(std::move(lines), std::move(errors));
    }
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  std::vector<std::string> whole_lines(std::vector<std::exception_ptr>& errors) {
    std::vector<std::string> lines;
    for (;;) {
      try {
        auto line = lines_.next();
        if (!line) return lines;
        lines.push_back(std::move(*line));
      } catch (const Error&) {
        errors.push_back(std::current_exception());
      }
    }
  }

  tcp::socket socket_;
  std::array<char, 16 * 1024> bytes_;
  detail::LineSplitter lines_;
  net::Post<std::string> post_;
};

}  // namespace

Source<std::string> from_tcp(std::uint16_t port, FromTcpOptions options) {
  const detail::LineSplitter checked("from_tcp()", options.delimiter, options.max_line_bytes);
  net::ListenOptions listen{"from_tcp", options.address, port, options.max_connections, options.on_listen};
  const LoopRef loop = std::exchange(options.loop, {});
  return net::make_server_source<std::string>(
      std::move(listen), loop,
      [options = std::move(options)](tcp::socket socket, const std::string& peer,
                                     net::Post<std::string> post) {
        return std::make_shared<LineConnection>(std::move(socket), peer, options, std::move(post));
      });
}

}  // namespace penstock
