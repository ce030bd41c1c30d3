#include <mosquitto.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "connectors/mqtt/connection.hpp"
#include "penstock/detail/wait.hpp"
#include "penstock/error.hpp"
#include "penstock/sources/from_coroutine.hpp"

namespace penstock {
namespace mqtt {
namespace {

constexpr const char* kFromMqtt = "from_mqtt()";

// The subscription of one source; what was received stays in it over a stop. On the loop's thread.
class Subscriber final : public Events {
 public:
  Subscriber(std::vector<std::string> filters, const FromMqttOptions& options)
      : filters_(std::move(filters)),
        qos_(options.qos),
        max_waiting_(options.max_waiting),
        max_bytes_(options.max_waiting_bytes),
        connection_(std::make_shared<Connection>(settings_of(kFromMqtt, options))) {}

  static std::shared_ptr<Subscriber> make(std::vector<std::string> filters,
                                          const FromMqttOptions& options) {
    auto made = std::make_shared<Subscriber>(std::move(filters), options);
    made->connection_->tell(made);
    return made;
  }

  void open(std::shared_ptr<Loop> loop) {
    error_ = nullptr;
    connection_->open(std::move(loop));
    if (is_full()) connection_->pause();
  }
  void close() {
    connection_->close();
    on_change_ = nullptr;
  }

  std::optional<MqttMessage> take() {
    if (waiting_.empty()) return std::nullopt;
    std::optional<MqttMessage> message(std::move(waiting_.front()));
    waiting_.pop_front();
    bytes_ -= message->payload.size();
    if (!is_full() && connection_->is_open()) connection_->resume();
    return message;
  }

  // Throws what ended the subscription.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  bool has_news() const { return !waiting_.empty() || error_ != nullptr; }
  void when_changed(absl::AnyInvocable<void()> call) {
    on_change_ = std::move(call);
    if (has_news()) changed();
  }
  void forget_listener() { on_change_ = nullptr; }

 private:
  // To subscribe again what the session has would bring all retained messages again.
  void connected(bool session_present) override {
    if (!session_present || !subscribed_) connection_->subscribe(filters_, qos_);
    subscribed_ = true;
  }
  void refused(const std::string& why) override {
    subscribed_ = false;
    error_ = std::make_exception_ptr(Error(why));
    changed();
  }
  void received(MqttMessage&& message) override {
    bytes_ += message.payload.size();
    waiting_.push_back(std::move(message));
    if (is_full()) connection_->pause();
    changed();
  }

  bool is_full() const { return waiting_.size() >= max_waiting_ || bytes_ >= max_bytes_; }
  void changed() {
    if (auto call = std::exchange(on_change_, nullptr)) call();
  }

  const std::vector<std::string> filters_;
  const int qos_;
  const std::size_t max_waiting_;
  const std::size_t max_bytes_;
  std::deque<MqttMessage> waiting_;
  std::size_t bytes_ = 0;
  bool subscribed_ = false;
  std::exception_ptr error_;
  absl::AnyInvocable<void()> on_change_;
  const std::shared_ptr<Connection> connection_;
};

// Open while the source runs, however that ends.
class Opened {
 public:
  Opened(std::shared_ptr<Subscriber> subscriber, std::shared_ptr<Loop> loop)
      : subscriber_(std::move(subscriber)) {
    subscriber_->open(std::move(loop));
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { subscriber_->close(); }

 private:
  const std::shared_ptr<Subscriber> subscriber_;
};

asio::awaitable<void> news(std::shared_ptr<Loop> loop, std::shared_ptr<Subscriber> subscriber) {
  auto initiate = [loop, subscriber](auto handler) {
    auto wait = std::make_shared<detail::Wait<decltype(handler)>>(std::move(handler));
    wait->allow_cancellation([subscriber] { subscriber->forget_listener(); });
    subscriber->when_changed([wait, loop] { loop->post([wait] { wait->complete(); }); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

asio::awaitable<void> emit_messages(Emitter<MqttMessage> out, std::shared_ptr<Subscriber> subscriber) {
  const Opened opened(subscriber, out.loop());
  for (;;) {
    while (auto message = subscriber->take()) co_await out.emit(std::move(*message));
    subscriber->rethrow();
    co_await news(out.loop(), subscriber);
  }
}

void check_filters(const std::vector<std::string>& filters) {
  if (filters.empty()) throw Error("from_mqtt(): no topic filter is given; {\"#\"} takes everything");
  for (const auto& filter : filters) {
    if (mosquitto_sub_topic_check2(filter.data(), filter.size()) == MOSQ_ERR_SUCCESS) continue;
    throw Error("from_mqtt(): '" + filter +
                "' is no topic filter: + stands for one whole level, # for all below and comes last");
  }
}

}  // namespace
}  // namespace mqtt

Source<MqttMessage> from_mqtt(std::vector<std::string> filters, FromMqttOptions options) {
  mqtt::check_filters(filters);
  mqtt::check(mqtt::settings_of(mqtt::kFromMqtt, options));
  mqtt::check_qos(mqtt::kFromMqtt, options.qos);
  if (options.max_waiting == 0 || options.max_waiting_bytes == 0) {
    throw Error("from_mqtt(): max_waiting and max_waiting_bytes must be at least 1");
  }
  const LoopRef loop = options.loop;
  return detail::make_coroutine_source<MqttMessage>(
      "from_mqtt",
      [subscriber = mqtt::Subscriber::make(std::move(filters), options)](
          Emitter<MqttMessage> out) { return mqtt::emit_messages(out, subscriber); },
      {loop, false});
}

}  // namespace penstock
