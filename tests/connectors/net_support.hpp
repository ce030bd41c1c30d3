// What the tests of network connectors share: sources that run, plain sockets, and programs as peers.
#pragma once

#include <poll.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>

#include "tests/connectors/connector_support.hpp"

namespace penstock::testing {

using asio::ip::tcp;

// A source that runs, with a sink that a valve can hold up.
template <class T>
class Running {
  const std::shared_ptr<Inbox<std::uint16_t>> ports_ = std::make_shared<Inbox<std::uint16_t>>();

 public:
  using OnListen = std::function<void(std::uint16_t)>;

  // make(on_listen) returns the source.
  template <class Make>
  explicit Running(Make make)
      : source(make(OnListen([ports = ports_](std::uint16_t number) { ports->add(number); }))) {
    source.set_error_handler([errors = errors](std::exception_ptr error) { errors->add(what(error)); });
    sink = std::make_unique<Sink>(source.sink([begun = begun, elements = elements, valve = valve](const T& element) {
      begun->add(1);
      return take(element, elements, valve);
    }));
    start();
  }
  ~Running() {
    if (!source.destroyed()) source.stop();
  }

  // Waits until it listens.
  void start() {
    source.start();
    port = ports_->next();
  }

  const std::shared_ptr<Inbox<int>> begun = std::make_shared<Inbox<int>>();  // before the valve
  const std::shared_ptr<Inbox<T>> elements = std::make_shared<Inbox<T>>();
  const std::shared_ptr<Inbox<std::string>> errors = std::make_shared<Inbox<std::string>>();
  const std::shared_ptr<Valve> valve = std::make_shared<Valve>(true);
  Source<T> source;
  std::unique_ptr<Sink> sink;
  std::uint16_t port = 0;

 private:
  static asio::awaitable<void> take(T element, std::shared_ptr<Inbox<T>> elements,
                                    std::shared_ptr<Valve> valve) {
    co_await valve->pass();
    elements->add(std::move(element));
  }
};

// Of two servers of one port, made by make(port, on_listen), the second says why it does not listen. It does
// after the next start(), when the port is free.
template <class T, class Make>
void expect_that_a_taken_port_is_told(const std::string& call, Make make) {
  Running<T> first([&](auto on_listen) { return make(std::uint16_t{0}, on_listen); });
  Inbox<std::uint16_t> ports;
  Inbox<std::string> errors;
  const Source<T> second = make(first.port, [&](std::uint16_t port) { ports.add(port); });
  second.set_error_handler([&](std::exception_ptr error) { errors.add(what(error)); });
  second.sink([](const T&) {});
  second.start();
  EXPECT_EQ(errors.next(), call + "(): cannot listen on 127.0.0.1:" + std::to_string(first.port) +
                               ": Address already in use; choose another port, or 0 for any");
  EXPECT_THROW(second.drain(), Error);
  first.source.stop();
  first.source.drain();
  second.start();
  EXPECT_EQ(ports.next(), first.port);
  second.stop();
  second.drain();
}

// A client that blocks.
class TcpClient {
 public:
  explicit TcpClient(std::uint16_t port) : socket_(io()) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
  }

  void send(std::string_view text) { asio::write(socket_, asio::buffer(text)); }

  // Sends what goes out before nothing has for a while; returns how many bytes.
  std::size_t send_until_it_stalls(std::string_view text) {
    socket_.non_blocking(true);
    std::size_t sent = 0;
    auto last = std::chrono::steady_clock::now();
    while (sent < text.size() && std::chrono::steady_clock::now() - last < 500ms) {
      std::error_code error;
      const auto more = socket_.write_some(asio::buffer(text.substr(sent)), error);
      sent += more;
      if (more > 0) last = std::chrono::steady_clock::now();
      if (error) std::this_thread::sleep_for(1ms);
    }
    socket_.non_blocking(false);
    return sent;
  }

  // The head and body of an HTTP answer with a length.
  std::string answer() {
    std::size_t head = 0;
    while ((head = received_.find("\r\n\r\n")) == std::string::npos) receive();
    head += 4;
    const auto at = received_.find("Content-Length: ");
    const auto end = head + (at < head ? std::stoul(received_.substr(at + 16)) : 0);
    while (received_.size() < end) receive();
    const std::string text = received_.substr(0, end);
    received_.erase(0, end);
    return text;
  }
  bool has_answer() { return socket_.available() > 0; }

  // Waits until the other side has closed or reset the connection.
  bool sees_the_end() {
    try {
      for (;;) receive();
    } catch (const std::system_error& error) {
      return error.code() == asio::error::eof || error.code() == asio::error::connection_reset;
    }
  }
  void close() { socket_.close(); }
  // Without a farewell.
  void reset() {
    socket_.set_option(tcp::socket::linger(true, 0));
    socket_.close();
  }

 private:
  static asio::io_context& io() {
    static asio::io_context context;
    return context;
  }
  void receive() {
    pollfd readable{socket_.native_handle(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(kDeadline).count())) != 1) {
      throw std::runtime_error("nothing came in time");
    }
    std::array<char, 16 * 1024> bytes;
    received_.append(bytes.data(), socket_.read_some(asio::buffer(bytes)));
  }

  tcp::socket socket_;
  std::string received_;
};

// Between a sink and its server: breaks each connection, without a farewell, when it has passed on so many
// bytes. What the server says is passed back.
class Relay {
 public:
  // Of a connection, when there have been so many before.
  using Limit = std::function<std::size_t(int connections)>;

  Relay(std::uint16_t server, Limit limit)
      : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), server_(server), limit_(std::move(limit)) {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Relay() {
    io_.stop();
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int broken() const { return broken_; }

 private:
  struct Ends {
    tcp::socket client;
    tcp::socket server;
  };

  void accept() {
    acceptor_.async_accept([this](std::error_code, tcp::socket client) {
      auto ends = std::make_shared<Ends>(Ends{std::move(client), tcp::socket(io_)});
      asio::co_spawn(io_, pass_on(this, std::move(ends), limit_(connections_++)), asio::detached);
      accept();
    });
  }
  static asio::awaitable<void> pass_on(Relay* self, std::shared_ptr<Ends> ends, std::size_t limit) {
    try {
      co_await ends->server.async_connect({asio::ip::address_v4::loopback(), self->server_},
                                          asio::use_awaitable);
      asio::co_spawn(self->io_, pass_back(ends), asio::detached);
      std::array<char, 1000> bytes;
      while (limit > 0) {
        const auto room = asio::buffer(bytes.data(), std::min(limit, bytes.size()));
        const auto count = co_await ends->client.async_read_some(room, asio::use_awaitable);
        co_await asio::async_write(ends->server, asio::buffer(bytes.data(), count), asio::use_awaitable);
        limit -= count;
      }
      ++self->broken_;
    } catch (const std::system_error&) {  // one of the ends has gone by itself
    }
    std::error_code ignored;
    for (auto* end : {&ends->client, &ends->server}) {
      end->set_option(tcp::socket::linger(true, 0), ignored);
      end->close(ignored);
    }
  }
  static asio::awaitable<void> pass_back(std::shared_ptr<Ends> ends) {
    std::array<char, 1000> bytes;
    for (;;) {
      const auto count = co_await ends->server.async_read_some(asio::buffer(bytes), asio::use_awaitable);
      co_await asio::async_write(ends->client, asio::buffer(bytes.data(), count), asio::use_awaitable);
    }
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  const std::uint16_t server_;
  const Limit limit_;
  int connections_ = 0;
  std::atomic<int> broken_{0};
  std::thread thread_;
};

// A program whose output is read line by line. Waits for its end when destroyed.
class Program {
 public:
  explicit Program(const std::string& command) : pipe_(popen(command.c_str(), "r")) {}
  ~Program() {
    if (pipe_ != nullptr) pclose(pipe_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Without the end of the line; empty at the end of the output.
  std::string line() {
    std::string text;
    for (int c = fgetc(pipe_); c != EOF && c != '\n'; c = fgetc(pipe_)) text += static_cast<char>(c);
    return text;
  }
  int wait() { return pclose(std::exchange(pipe_, nullptr)); }

 private:
  FILE* pipe_;
};

inline Program peer(const std::string& script, const std::string& arguments) {
  return Program("timeout 60 " DEBIAN_PYTHON " " PEERS "/" + script + " " + arguments);
}

}  // namespace penstock::testing
