// The part of a server that does not depend on what it speaks.
#pragma once

#include "connectors/net/boost_asio.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace penstock::net {

using boost::asio::ip::tcp;

// One peer of a server. On the loop's thread only.
class Connection {
 public:
  virtual ~Connection() = default;
  // Until the peer ends the connection, or close() does. What it throws of the network is not reported:
  // peers come and go.
  virtual boost::asio::awaitable<void> serve() = 0;
  // At once; a farewell may go on in the background.
  virtual void close() = 0;
};

struct ListenOptions {
  const char* call = "";  // that errors name: "from_tcp"
  std::string address;
  std::uint16_t port = 0;
  std::size_t max_connections = 0;
  std::function<void(std::uint16_t port)> on_listen;
};

// Throws Error for what makes no sense.
void check(const ListenOptions& options);

// Accepts up to max_connections; others wait in the backlog of the port. On the loop's thread only.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using Make = std::function<std::shared_ptr<Connection>(tcp::socket socket, std::string peer)>;
  using Report = std::function<void(std::exception_ptr error)>;

  Listener(const boost::asio::any_io_executor& executor, ListenOptions options, Make make, Report report);

  // Returns the port. Throws Error, with address and reason.
  std::uint16_t open();
  // Frees the port and closes all connections.
  void close();

 private:
  void accept();
  void accepted(boost::system::error_code error, tcp::socket socket);
  void serve(tcp::socket socket);
  void accept_after_a_pause();
  static boost::asio::awaitable<void> run(std::shared_ptr<Listener> self,
                                          std::shared_ptr<Connection> connection);

  const ListenOptions options_;
  Make make_;
  Report report_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  bool accepting_ = false;
  bool failing_ = false;  // the last accept failed
  std::set<std::shared_ptr<Connection>> connections_;
};

// "127.0.0.1:8080", "[::1]:8080"
std::string text_of(const tcp::endpoint& endpoint);

// For a connection: not inherited by programs that are started, not held back for company, and found out
// within about two minutes when its peer has vanished without a word.
void set_up(tcp::socket& socket);

}  // namespace penstock::net
