// A mosquitto of the test's own, on a free port with its own configuration, and mosquitto's clients.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "penstock/connectors/mqtt.hpp"
#include "tests/connectors/connector_support.hpp"
#include "tests/runtime/temp_folder.hpp"

namespace penstock::testing {

class MqttBroker {
 public:
  // `configuration`: lines added to that of a broker which keeps everything it is given.
  explicit MqttBroker(const std::string& configuration = "allow_anonymous true\n");
  ~MqttBroker();
  MqttBroker(const MqttBroker&) = delete;
  MqttBroker& operator=(const MqttBroker&) = delete;

  std::uint16_t port() const { return port_; }
  const TempFolder& folder() const { return folder_; }

  void start();   // on the same port
  void stop();    // it saves its sessions
  void kill();    // it does not

  // mosquitto_pub: each of `lines` is a message.
  void publish(const std::string& topic, const std::vector<std::string>& lines,
               const std::string& more = "-q 1");
  void publish_file(const std::string& topic, const std::filesystem::path& file);

  // mosquitto_sub: makes a session that keeps what matches the filter from now on.
  void keep(const std::string& session, const std::string& filter, int qos = 1);
  // What the session has kept, `count` messages of it or as many as come within `seconds`, as
  // mosquitto_sub's `format` says, one a line.
  std::vector<std::string> kept(const std::string& session, const std::string& filter, int count,
                                const std::string& format = "%p", int seconds = 20);
  // "1 " and the payload that the broker gives to whoever subscribes.
  std::string retained(const std::string& topic);
  // Waits until the broker has logged that.
  bool logs(const std::string& text) const;

 private:
  void run(const std::string& command) const;
  std::string to_broker() const;

  TempFolder folder_;
  std::uint16_t port_ = 0;
  int pid_ = 0;
};

// Has a port in the place of a broker, and never says anything.
class SilentServer {
 public:
  explicit SilentServer(std::uint16_t port)
      : acceptor_(io_, {asio::ip::address_v4::loopback(), port}) {
    acceptor_.non_blocking(true);
  }
  // So many have connected up to now.
  std::size_t connections() {
    std::error_code none_waits;
    for (;;) {
      auto socket = acceptor_.accept(none_waits);
      if (none_waits) return sockets_.size();
      sockets_.push_back(std::move(socket));
    }
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::vector<asio::ip::tcp::socket> sockets_;
};

// A broker, a loop, and what connections there tell.
class MqttCase : public ::testing::Test {
 protected:
  // Quick to try again.
  ReconnectOptions reconnect() {
    return {.first_pause = 10ms, .longest_pause = 100ms, .on_notice = [this](std::string_view text) {
              notices.add(std::string(text));
            }};
  }

  MqttBroker broker;
  Inbox<std::string> notices;
  LoopThread thread;
};

}  // namespace penstock::testing
