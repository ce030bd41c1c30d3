// from_mqtt(filters): messages of an MQTT broker. to_mqtt(options): a sink that publishes.
// Link penstock::mqtt.
//
//   auto readings = penstock::from_mqtt({"sensors/+/temperature"}, {.host = "broker", .client_id = "meter"});
//   readings.map(parse).map(print).pipe(penstock::to_mqtt({.host = "broker", .topic = "printed"}));
//   readings.start();
//
//   broker  -a-b-c---------------d-      from_mqtt: between c and d the connection is lost and found again
//   out     -a-b-c-------------c-d-      at QoS 1 a message may come twice
//
//   in      -a-b-c-----------------|      to_mqtt: behind c the connection is lost and found again
//   broker  --a-b-c-----------c----
//   done    ---a-b-------------c---      acknowledged: the token is released
//
// MQTT 3.1.1 over TCP. Both run on the graph's loop and have no thread (but Asio looks host names up in
// one). A connection that cannot be made, or is lost, is tried again with growing pauses for ever, with a
// notice (see reconnect). A broker that refuses (bad user, not authorised, bad client id) is an Error with
// its reason.
//
// The source. QoS 0 messages that come while there is no connection are lost, as MQTT says. Of QoS 1 and 2
// nothing is lost over a reconnect or stop() and start() when there is a client_id: the broker keeps a
// persistent session and what is published meanwhile (as much as it is set up to: mosquitto drops beyond
// max_queued_messages). Without one each start() begins a new session. Messages are acknowledged when they
// are received: of a process that dies, those in max_waiting are lost. Filters that an earlier run under
// the same client_id subscribed, and this one does not, stay subscribed at the broker.
//
// Back-pressure. While max_waiting messages (or bytes) wait, the socket is not read and the broker keeps the
// rest; at QoS 2 those under way then, as many as the broker sends at a time, still come. Pings go on, so the broker does not take the source for dead after 1.5 times keepalive; a broker
// that has its own limit on what it keeps for a slow client drops messages beyond it, or the client.
//
// stop() disconnects; the session stays at the broker. start() goes on with what has been received.
//
// The sink connects with its first element. An element has arrived when the broker has acknowledged it
// (QoS 1: PUBACK, 2: PUBCOMP) or, at QoS 0, when it is written to the socket; until then its token is held.
// At most `window` are on their way; of these the broker is given 20 at a time. What was not acknowledged
// when the connection was lost is sent again: at QoS 1 it may arrive twice, at QoS 2 once if there is a
// client_id. A refusal fails every element on its way; the next one tries to connect again. The end of the
// stream waits for the acknowledgements and disconnects.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "penstock/loop.hpp"
#include "penstock/reconnect.hpp"
#include "penstock/source.hpp"

namespace penstock {

struct MqttMessage {
  std::string topic;
  std::string payload;
  int qos = 1;
  bool retained = false;  // received: it was kept by the broker; sent: it shall be kept
  friend bool operator==(const MqttMessage&, const MqttMessage&) = default;
};

struct FromMqttOptions {
  std::string host = "localhost";
  std::uint16_t port = 1883;
  std::string client_id = {};  // one client at a time may use it; none: a new one, and no persistent session
  int qos = 1;                 // the most that messages are delivered with: 0, 1 or 2
  std::string username = {};
  std::string password = {};
  Duration keepalive = std::chrono::seconds{30};        // 5 s to 65,535 s
  Duration connect_timeout = std::chrono::seconds{10};  // until the broker has answered
  std::size_t max_waiting = 1'000;                      // messages received and not yet delivered
  std::size_t max_waiting_bytes = std::size_t{64} << 20;  // of their payloads; one may go beyond it
  ReconnectOptions reconnect = {};
  LoopRef loop = {};
};

// Topic filters may have wildcards: + for one level, # for all below.
Source<MqttMessage> from_mqtt(std::vector<std::string> filters, FromMqttOptions options = {});

struct ToMqttOptions {
  std::string host = "localhost";
  std::uint16_t port = 1883;
  std::string client_id = {};
  std::string topic = {};  // of elements that are strings, and of messages without one
  int qos = 1;             // these two of strings
  bool retained = false;
  std::string username = {};
  std::string password = {};
  Duration keepalive = std::chrono::seconds{30};
  Duration connect_timeout = std::chrono::seconds{10};
  std::size_t window = 100;  // elements on their way, up to 10,000; emit() waits for a place
  ReconnectOptions reconnect = {};
  LoopRef loop = {};
};

// For stream.pipe(): publishes strings to options.topic, messages to their own topic.
class ToMqtt {
 public:
  explicit ToMqtt(ToMqttOptions options);
  Sink operator()(const Stream<std::string>& stream) const;
  Sink operator()(const Stream<MqttMessage>& stream) const;

 private:
  std::shared_ptr<const ToMqttOptions> options_;
};

inline ToMqtt to_mqtt(ToMqttOptions options) { return ToMqtt(std::move(options)); }

}  // namespace penstock
