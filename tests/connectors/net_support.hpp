// What the tests of network connectors share: sources that run, plain sockets, and programs as peers.
#pragma once

#include <poll.h>

#include <array>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {

using asio::ip::tcp;

// What comes from another thread, in order.
template <class T>
class Arrivals {
 public:
  void add(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  // Throws when it does not come in time.
  T next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kDeadline, [this] { return !values_.empty(); })) {
      throw std::runtime_error("nothing came in time");
    }
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  std::vector<T> next(std::size_t count) {
    std::vector<T> values;
    while (values.size() < count) values.push_back(next());
    return values;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

// Holds up an awaitable function while it is shut.
class Valve {
 public:
  void shut() { open_ = false; }
  void open() { open_ = true; }
  asio::awaitable<void> pass() const {
    while (!open_) {
      asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

 private:
  std::atomic<bool> open_{true};
};

// A source that runs, with a sink that a valve can hold up.
template <class T>
class Running {
  const std::shared_ptr<Arrivals<std::uint16_t>> ports_ = std::make_shared<Arrivals<std::uint16_t>>();

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

  const std::shared_ptr<Arrivals<int>> begun = std::make_shared<Arrivals<int>>();  // before the valve
  const std::shared_ptr<Arrivals<T>> elements = std::make_shared<Arrivals<T>>();
  const std::shared_ptr<Arrivals<std::string>> errors = std::make_shared<Arrivals<std::string>>();
  const std::shared_ptr<Valve> valve = std::make_shared<Valve>();
  Source<T> source;
  std::unique_ptr<Sink> sink;
  std::uint16_t port = 0;

 private:
  static asio::awaitable<void> take(T element, std::shared_ptr<Arrivals<T>> elements,
                                    std::shared_ptr<Valve> valve) {
    co_await valve->pass();
    elements->add(std::move(element));
  }
};

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
