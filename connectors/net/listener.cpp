#include "connectors/net/listener.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <sstream>
#include <utility>

#include "penstock/error.hpp"

namespace penstock::net {
namespace {

using boost::system::error_code;

constexpr auto kPauseAfterFailure = std::chrono::milliseconds{100};

// A program that is started meanwhile would inherit the socket, and keep the port or the connection.
void close_on_exec(int descriptor) { fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

}  // namespace

std::string text_of(const tcp::endpoint& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

void set_up(tcp::socket& socket) {
  close_on_exec(socket.native_handle());
  using Option = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Count = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  error_code ignored;  // a peer may be gone already
  socket.set_option(tcp::socket::keep_alive(true), ignored);
  socket.set_option(Option(60), ignored);
  socket.set_option(Interval(10), ignored);
  socket.set_option(Count(6), ignored);
  socket.set_option(tcp::no_delay(true), ignored);
}

void check(const ListenOptions& options) {
  error_code error;
  boost::asio::ip::make_address(options.address, error);
  if (error) {
    throw Error(std::string(options.call) + "(): '" + options.address +
                "' is no IP address; 127.0.0.1 is this machine only, 0.0.0.0 and :: are all addresses");
  }
  if (options.max_connections == 0) throw Error(std::string(options.call) + "(): max_connections must be at least 1");
}

Listener::Listener(const boost::asio::any_io_executor& executor, ListenOptions options, Make make,
                   Report report)
    : options_(std::move(options)),
      make_(std::move(make)),
      report_(std::move(report)),
      acceptor_(executor),
      pause_(executor) {}

std::uint16_t Listener::open() {
  const tcp::endpoint endpoint(boost::asio::ip::make_address(options_.address), options_.port);
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) close_on_exec(acceptor_.native_handle());
  // Otherwise a restart would have to wait until the last connections are forgotten.
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    throw Error(std::string(options_.call) + "(): cannot listen on " + text_of(endpoint) + ": " + error.message() +
                (error == boost::asio::error::address_in_use ? "; choose another port, or 0 for any" : ""));
  }
  accept();
  return acceptor_.local_endpoint().port();
}

void Listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (const auto& connection : std::exchange(connections_, {})) connection->close();
}

void Listener::accept() {
  if (accepting_ || !acceptor_.is_open() || connections_.size() >= options_.max_connections) return;
  accepting_ = true;
  acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    self->accepting_ = false;
    self->accepted(error, std::move(socket));
  });
}

void Listener::accepted(error_code error, tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (error && error != boost::asio::error::connection_aborted) {
    const bool first = !std::exchange(failing_, true);
    if (first) {
      report_(std::make_exception_ptr(Error(std::string(options_.call) + "(): cannot accept a connection now: " +
                                            error.message() + "; trying on")));
    }
    return accept_after_a_pause();
  }
  failing_ = false;
  if (!error) serve(std::move(socket));
  accept();
}

void Listener::accept_after_a_pause() {
  pause_.expires_after(kPauseAfterFailure);
  pause_.async_wait([self = shared_from_this()](error_code) { self->accept(); });
}

void Listener::serve(tcp::socket socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // it has gone
  set_up(socket);
  auto connection = make_(std::move(socket), text_of(peer));
  connections_.insert(connection);
  boost::asio::co_spawn(acceptor_.get_executor(), run(shared_from_this(), std::move(connection)),
                        boost::asio::detached);
}

boost::asio::awaitable<void> Listener::run(std::shared_ptr<Listener> self,
                                           std::shared_ptr<Connection> connection) {
  try {
    co_await connection->serve();
  } catch (const boost::system::system_error&) {
  } catch (...) {
    self->report_(std::current_exception());
  }
  if (self->connections_.erase(connection) == 0) co_return;  // close() does it
  connection->close();
  self->accept();
}

}  // namespace penstock::net
