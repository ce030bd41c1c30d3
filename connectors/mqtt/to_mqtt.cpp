#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "connectors/mqtt/connection.hpp"
#include "penstock/detail/sending_sink.hpp"
#include "penstock/error.hpp"

namespace penstock {
namespace mqtt {
namespace {

constexpr const char* kToMqtt = "to_mqtt()";
constexpr std::size_t kMostOnTheirWay = 10'000;  // MQTT numbers messages with 16 bits
// Mosquitto loses messages of QoS 2, though it acknowledges them, when one client has more than its
// max_inflight_messages under way. That is 20 unless somebody changes it.
constexpr std::size_t kUnacknowledged = 20;

// What the sink keeps until it is told; so the payload is not copied here.
struct Outgoing {
  std::string topic;
  std::string_view payload;
  int qos = 0;
  bool retained = false;
  absl::AnyInvocable<void(std::exception_ptr)> sent;
};

// On the loop's thread, but for making and destroying it.
class Publisher final : public Events {
 public:
  explicit Publisher(const ToMqttOptions& options)
      : connection_(std::make_shared<Connection>(settings(options))) {}

  static std::shared_ptr<Publisher> make(const ToMqttOptions& options) {
    auto made = std::make_shared<Publisher>(options);
    made->connection_->tell(made);
    return made;
  }

  static Settings settings(const ToMqttOptions& options) {
    Settings settings = settings_of(kToMqtt, options);
    settings.unacknowledged = static_cast<int>(std::min(options.window, kUnacknowledged));
    return settings;
  }

  void send(std::shared_ptr<Loop> loop, Outgoing outgoing) {
    check_publishable(kToMqtt, outgoing.topic, outgoing.payload.size());
    check_qos(kToMqtt, outgoing.qos);
    if (connection_->connected()) return publish(std::move(outgoing));
    waiting_.push_back(std::move(outgoing));
    connection_->open(std::move(loop));
  }

  // Disconnects when nothing is on its way any more.
  void end() {
    ending_ = true;
    close_if_done();
  }
  void close() { connection_->close(); }

 private:
  void publish(Outgoing outgoing) {
    int number = 0;
    try {
      number = connection_->publish(outgoing.topic, outgoing.payload, outgoing.qos, outgoing.retained);
    } catch (...) {
      outgoing.sent(std::current_exception());
      return;
    }
    published_.insert_or_assign(number, std::move(outgoing));
  }

  void connected(bool) override {
    while (!waiting_.empty() && connection_->connected()) {
      Outgoing next = std::move(waiting_.front());
      waiting_.pop_front();
      publish(std::move(next));
    }
  }

  // libmosquitto sends again what has a QoS; the rest is not written and it forgets it.
  void lost() override {
    for (auto entry = published_.rbegin(); entry != published_.rend(); ++entry) {
      if (entry->second.qos == 0) waiting_.push_front(std::move(entry->second));
    }
    std::erase_if(published_, [](const auto& entry) { return !entry.second.sent; });
  }

  void refused(const std::string& why) override {
    const auto error = std::make_exception_ptr(Error(why));
    auto published = std::exchange(published_, {});
    auto waiting = std::exchange(waiting_, {});
    connection_->forget_published();
    for (auto& [number, outgoing] : published) outgoing.sent(error);
    for (auto& outgoing : waiting) outgoing.sent(error);
  }

  void published(int number) override {
    auto found = published_.extract(number);
    if (!found) return;
    found.mapped().sent(nullptr);
    close_if_done();
  }

  void close_if_done() {
    if (ending_ && published_.empty() && waiting_.empty()) connection_->close();
  }

  std::deque<Outgoing> waiting_;        // for a connection
  std::map<int, Outgoing> published_;   // by number, until acknowledged
  bool ending_ = false;
  const std::shared_ptr<Connection> connection_;
};

template <class T>
class MqttSink : public detail::SendingSink<MqttSink<T>, T> {
  using Base = detail::SendingSink<MqttSink<T>, T>;

 public:
  MqttSink(detail::Place place, std::shared_ptr<const ToMqttOptions> options)
      : Base(std::move(place), "to_mqtt", options->window),
        options_(std::move(options)),
        publisher_(Publisher::make(*options_)) {}

  void start() override { this->need_loop(options_->loop); }

  void send(const T& value, typename Base::Sent sent) {
    Outgoing outgoing = outgoing_of(value);
    outgoing.sent = [sent = std::move(sent)](std::exception_ptr error) mutable { sent(std::move(error)); };
    try {
      publisher_->send(this->place().domain->shared_loop(), std::move(outgoing));
    } catch (...) {
      if (outgoing.sent) outgoing.sent(std::current_exception());
    }
  }

  void end_now(detail::Delivery& delivery) override {
    Base::end_now(delivery);
    publisher_->end();
  }
  void dismantle() override {
    Base::dismantle();
    publisher_->close();
  }

 private:
  Outgoing outgoing_of(const std::string& value) const {
    return {options_->topic, value, options_->qos, options_->retained, nullptr};
  }
  Outgoing outgoing_of(const MqttMessage& message) const {
    return {message.topic.empty() ? options_->topic : message.topic, message.payload, message.qos,
            message.retained, nullptr};
  }

  const std::shared_ptr<const ToMqttOptions> options_;
  const std::shared_ptr<Publisher> publisher_;
};

}  // namespace
}  // namespace mqtt

ToMqtt::ToMqtt(ToMqttOptions options) {
  mqtt::check(mqtt::Publisher::settings(options));
  mqtt::check_qos(mqtt::kToMqtt, options.qos);
  if (options.window == 0 || options.window > mqtt::kMostOnTheirWay) {
    throw Error("to_mqtt(): window must be 1 to 10,000 elements");
  }
  if (!options.topic.empty()) mqtt::check_publishable(mqtt::kToMqtt, options.topic, 0);
  options_ = std::make_shared<const ToMqttOptions>(std::move(options));
}

Sink ToMqtt::operator()(const Stream<std::string>& stream) const {
  if (options_->topic.empty()) throw Error("to_mqtt(): strings need a topic: {.topic = ...}");
  return stream.attach_sink<mqtt::MqttSink<std::string>>(options_);
}

Sink ToMqtt::operator()(const Stream<MqttMessage>& stream) const {
  return stream.attach_sink<mqtt::MqttSink<MqttMessage>>(options_);
}

}  // namespace penstock
