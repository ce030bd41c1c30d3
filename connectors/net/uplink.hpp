// The connection of a sink: it keeps what it was given until that has arrived, and connects anew when it
// is lost.
#pragma once

#include "connectors/net/boost_asio.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "penstock/reconnect.hpp"

namespace penstock::net {

// Derived classes say what is spoken. On the loop's thread, but for what says otherwise.
class Uplink : public std::enable_shared_from_this<Uplink> {
 public:
  using Sent = absl::AnyInvocable<void(std::exception_ptr)>;

  // `subject` begins its notices: "to_tcp(localhost:9000)".
  Uplink(const boost::asio::any_io_executor& executor, std::string subject, ReconnectOptions reconnect);
  virtual ~Uplink() = default;

  // Connects. Any thread.
  void start();
  // `text` stays until `sent` is called: with null when it has arrived.
  void send(const std::string& text, Sent sent);
  // Ends the connection when all has arrived.
  void finish();
  // Ends it now, and drops what is not sent. Any thread.
  void abandon();

 protected:
  using Batch = std::vector<const std::string*>;

  // These throw boost::system::system_error when the connection is lost, or was cut.
  virtual boost::asio::awaitable<void> connect() = 0;
  virtual boost::asio::awaitable<void> write(Batch batch) = 0;
  // Reads what the peer says, until the connection is lost.
  virtual boost::asio::awaitable<void> read() = 0;
  virtual boost::asio::awaitable<void> say_goodbye() = 0;
  // Makes all of these end.
  virtual void cut() = 0;

  // Counts from the first element on, with those of earlier connections. All below the number have
  // arrived.
  void confirm(std::uint64_t number);
  std::uint64_t written() const { return first_ + written_; }
  const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  struct Outgoing {
    const std::string* text;
    Sent sent;
  };

  static boost::asio::awaitable<void> run(std::shared_ptr<Uplink> self);
  static boost::asio::awaitable<void> read_until_lost(std::shared_ptr<Uplink> self);
  boost::asio::awaitable<void> connect_in_time();
  boost::asio::awaitable<void> write_until_done();
  boost::asio::awaitable<void> write_some();
  boost::asio::awaitable<void> leave();
  boost::asio::awaitable<void> pause();
  void run_if_needed();
  void lost(const std::string& why);
  bool is_done() const { return abandoned_ || (finished_ && outgoing_.empty()); }

  const boost::asio::any_io_executor executor_;
  const std::string subject_;
  const ReconnectOptions reconnect_;
  detail::Backoff backoff_;
  boost::asio::steady_timer wake_;   // of who waits for something to write
  boost::asio::steady_timer timer_;  // of connecting, leaving and pauses
  std::deque<Outgoing> outgoing_;    // as many as the sink's window has places
  std::size_t written_ = 0;          // of them, on this connection
  std::uint64_t first_ = 0;          // number of the first of them
  std::exception_ptr lost_;          // why this connection is over
  bool running_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool leaving_ = false;
  bool outage_ = false;  // was told of
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace penstock::net
