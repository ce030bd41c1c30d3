// One MQTT client on an event loop, with libmosquitto: connects, connects again, reads, writes and pings.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/connectors/mqtt.hpp"

struct mosquitto;
struct mosquitto_message;

namespace penstock::mqtt {

struct Settings {
  const char* call = "";  // of the user, for messages
  std::string host;
  std::uint16_t port = 0;
  std::string client_id;
  std::string username;
  std::string password;
  Duration keepalive{};
  Duration connect_timeout{};
  ReconnectOptions reconnect;
  int unacknowledged = 20;  // messages that the broker is given at a time
};

// Those that the options of source and sink have alike.
template <class Options>
Settings settings_of(const char* call, const Options& options) {
  return {.call = call,
          .host = options.host,
          .port = options.port,
          .client_id = options.client_id,
          .username = options.username,
          .password = options.password,
          .keepalive = options.keepalive,
          .connect_timeout = options.connect_timeout,
          .reconnect = options.reconnect};
}

// Throws Error.
void check(const Settings& settings);
void check_qos(const char* call, int qos);
// Throws Error for what cannot be published: a bad topic, too large a payload.
void check_publishable(const char* call, const std::string& topic, std::size_t bytes);

// Told on the loop's thread, never inside a call of the connection.
class Events {
 public:
  virtual void connected(bool session_present) = 0;
  virtual void lost() {}
  // No more attempts are made until the next open().
  virtual void refused(const std::string& why) = 0;
  virtual void received(MqttMessage&&) {}
  virtual void published(int) {}  // with its number: acknowledged, or at QoS 0 written

  virtual ~Events() = default;
};

// On the loop's thread, but for making and destroying it. Keeps its session, and what libmosquitto has not
// yet had acknowledged, from one open() to the next.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(Settings settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void tell(std::weak_ptr<Events> events) { events_ = std::move(events); }  // once, before all else
  void open(std::shared_ptr<Loop> loop);
  void close();              // says good-bye to the broker
  void forget_published();  // while it is not open: nothing is sent again

  bool is_open() const { return open_; }
  bool connected() const { return state_ == State::kUp; }

  // While it is connected. A filter that the broker refuses is a refusal.
  void subscribe(const std::vector<std::string>& filters, int qos);
  // The message's number. At QoS 1 and 2 it is sent again after every reconnect until it is acknowledged.
  // Throws Error when it cannot be sent at all.
  int publish(const std::string& topic, std::string_view payload, int qos, bool retained);

  // Reads nothing more from the socket once it is connected, or goes on with it.
  void pause();
  void resume();

 private:
  enum class State { kIdle, kResolving, kConnecting, kUp };
  struct Callbacks;

  template <class F>
  auto guarded(F function);  // does nothing when this is gone or the attempt is over
  void call_later(Loop::Timer& timer, Duration time, void (Connection::*call)());

  void attempt();
  void try_next_address();
  void timed_out();
  void watch();
  bool may_read() const { return !paused_ || state_ != State::kUp; }
  void wait_readable();
  void wait_writable();
  void read();
  void write();
  bool more_to_read();
  void tick();
  void ping_by_hand();

  // What the callbacks of libmosquitto left to do; false: the connection is over.
  bool settle(int error);
  void failed(const std::string& why);
  void refuse(const std::string& why);
  void hang_up();
  std::string where() const;

  struct Destroy {
    void operator()(mosquitto* client) const;
  };
  std::unique_ptr<mosquitto, Destroy> make_client();

  const Settings settings_;
  std::weak_ptr<Events> events_;
  std::unique_ptr<mosquitto, Destroy> client_;
  std::shared_ptr<Loop> loop_;
  detail::Backoff backoff_;
  bool open_ = false;
  State state_ = State::kIdle;
  std::uint64_t attempt_ = 0;  // callbacks of earlier ones are late
  std::optional<asio::ip::tcp::resolver> resolver_;
  std::vector<std::string> addresses_;
  std::string last_failure_;
  std::string told_;  // the notice of this outage
  // A copy of libmosquitto's descriptor: it closes its own one when it likes, and the number may then be
  // another file's, while Asio still watches it.
  std::optional<asio::posix::stream_descriptor> socket_;
  bool reading_ = false;
  bool writing_ = false;
  bool paused_ = false;
  TimePoint check_from_{};  // libmosquitto's own idea of what is alive counts from then on
  TimePoint last_ping_{};
  Loop::Timer timer_;     // the next attempt, or the end of this one
  Loop::Timer ticker_;

  // From the callbacks.
  std::optional<int> answer_;  // of the broker to the connection
  bool session_present_ = false;
  std::string refusal_;
  std::vector<MqttMessage> received_;
  std::vector<int> published_;
};

}  // namespace penstock::mqtt
