// A mosquitto of the test's own, on a free port with its own configuration, and mosquitto's clients.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "penstock/connectors/mqtt.hpp"
#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {

class MqttBroker {
 public:
  // `configuration`: lines added to that of a broker which keeps everything it is given.
  explicit MqttBroker(const std::string& configuration = "allow_anonymous true\n");
  ~MqttBroker();
  MqttBroker(const MqttBroker&) = delete;
  MqttBroker& operator=(const MqttBroker&) = delete;

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& folder() const { return folder_; }

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

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  int pid_ = 0;
};

// Polls: what is waited for happens in another process. False when the deadline has passed.
bool eventually(const std::function<bool()>& condition);

// Elements of a stream, or lines of text, that come on another thread.
template <class T>
class Inbox {
 public:
  auto note() {
    return [this](const T& value) {
      std::lock_guard lock(mutex_);
      values_.push_back(value);
      changed_.notify_all();
    };
  }
  bool has(std::size_t count) {
    return is([count](const auto& values) { return values.size() >= count; });
  }
  bool is(const std::function<bool(const std::vector<T>&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return condition(values_); });
  }
  std::vector<T> values() {
    std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

}  // namespace penstock::testing
