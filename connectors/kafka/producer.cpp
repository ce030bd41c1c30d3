#include <algorithm>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <deque>
#include <list>
#include <utility>

#include "connectors/kafka/brokers.hpp"
#include "connectors/kafka/event_fd.hpp"
#include "connectors/kafka/sink_setup.hpp"
#include "penstock/connectors/detail/kafka_producer.hpp"

namespace penstock::kafka {
namespace {

using detail::KafkaDelivery;
using detail::KafkaPayload;
using detail::KafkaSinkSetup;
using Headers = std::unique_ptr<rd_kafka_headers_t, Destroy<rd_kafka_headers_destroy>>;

constexpr auto kPurgeTimeout = std::chrono::seconds{5};
constexpr std::size_t kReportsAtOnce = 256;

Headers headers_of(const KafkaPayload& payload) {
  if (payload.headers == nullptr) return nullptr;
  Headers headers(rd_kafka_headers_new(payload.headers->size()));
  for (const auto& [name, value] : *payload.headers) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()),
                        value ? value->data() : nullptr, value ? static_cast<ssize_t>(value->size()) : 0);
  }
  return headers;
}

class Producer final : public detail::KafkaProducer, public std::enable_shared_from_this<Producer> {
 public:
  Producer(std::shared_ptr<const KafkaSinkSetup> setup, std::shared_ptr<Loop> loop)
      : setup_(std::move(setup)),
        loop_(std::move(loop)),
        brokers_("to_kafka()", setup_->options.brokers, setup_->options.reconnect, ready_),
        wait_(ready_->descriptor(loop_->executor())) {
    connect();
  }

  ~Producer() override {
    backlog_.clear();
    disconnect();
  }

  void send(const KafkaPayload& payload, std::unique_ptr<KafkaDelivery> delivery) override {
    if (!backlog_.empty() || !produce(payload, delivery)) {
      backlog_.push_back({payload, std::move(delivery)});
    }
    watch();
  }

 private:
  struct Record;
  using Records = std::list<std::unique_ptr<Record>>;
  struct Record {
    std::unique_ptr<KafkaDelivery> delivery;
    Records::iterator entry;
  };
  struct Waiting {
    KafkaPayload payload;
    std::unique_ptr<KafkaDelivery> delivery;
  };

  void connect() {
    Conf conf = setup_->configure();
    brokers_.watch(conf.get());
    client_ = make_client("to_kafka()", RD_KAFKA_PRODUCER, std::move(conf));
    events_.reset(rd_kafka_queue_get_main(client_));
    static constexpr std::uint64_t kOne = 1;
    rd_kafka_queue_io_event_enable(events_.get(), ready_->get(), &kOne, sizeof kOne);
  }

  // What is on its way is dropped, and its deliveries with it: their elements must stay until librdkafka has
  // let go of them.
  void disconnect() {
    if (client_ == nullptr) return;
    rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
    rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    const auto deadline = std::chrono::steady_clock::now() + kPurgeTimeout;
    while (rd_kafka_outq_len(client_) > 0 && std::chrono::steady_clock::now() < deadline) {
      const Event event(rd_kafka_queue_poll(events_.get(), 100));
    }
    events_.reset();
    rd_kafka_destroy(std::exchange(client_, nullptr));
    on_their_way_.clear();
  }

  // False: there is no place now, and `delivery` is as it was.
  bool produce(const KafkaPayload& payload, std::unique_ptr<KafkaDelivery>& delivery) {
    if (broken_ && !mend()) return false;
    on_their_way_.push_back(nullptr);
    const auto entry = std::prev(on_their_way_.end());
    auto record = std::make_unique<Record>(Record{nullptr, entry});
    const auto error = hand_over(payload, record.get());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      record->delivery = std::move(delivery);
      *entry = std::move(record);
      return true;
    }
    on_their_way_.erase(entry);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && !on_their_way_.empty()) return false;
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
      broken_ = true;
      return produce(payload, delivery);
    }
    std::exchange(delivery, nullptr)->over(failure(error));
    return true;
  }

  rd_kafka_resp_err_t hand_over(const KafkaPayload& payload, void* opaque) {
    Headers headers = headers_of(payload);
    // The value is not copied: it stays until its delivery is over.
    std::array<rd_kafka_vu_t, 6> parts{};
    std::size_t count = 0;
    parts[count].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[count++].u.cstr = setup_->topic.c_str();
    parts[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[count++].u.i32 = payload.partition.value_or(RD_KAFKA_PARTITION_UA);
    parts[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[count++].u.ptr = opaque;
    if (payload.key) {
      parts[count].vtype = RD_KAFKA_VTYPE_KEY;
      parts[count++].u.mem = {const_cast<char*>(payload.key->data()), payload.key->size()};
    }
    if (payload.value) {
      parts[count].vtype = RD_KAFKA_VTYPE_VALUE;
      parts[count++].u.mem = {const_cast<char*>(payload.value->data()), payload.value->size()};
    }
    if (headers) {
      parts[count].vtype = RD_KAFKA_VTYPE_HEADERS;
      parts[count++].u.headers = headers.get();
    }
    rd_kafka_error_t* const refused = rd_kafka_produceva(client_, parts.data(), count);
    if (refused == nullptr) {
      static_cast<void>(headers.release());  // they belong to the record now
      return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    const auto code = rd_kafka_error_code(refused);
    rd_kafka_error_destroy(refused);
    return code;
  }

  // After a fatal error of its idempotence a producer takes nothing more; a new one does, when the last
  // record of the old one has been told.
  bool mend() {
    if (!on_their_way_.empty()) return false;
    disconnect();
    connect();
    broken_ = false;
    return true;
  }

  // Only while something is on its way, so that an io_context may run out of work.
  void watch() {
    if (watching_ || (on_their_way_.empty() && backlog_.empty())) return;
    watching_ = true;
    wait_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const std::error_code& failed) {
                       const auto self = weak.lock();
                       if (failed || !self) return;
                       self->watching_ = false;
                       self->ready_->clear();
                       self->serve();
                       self->watch();
                     });
  }

  void serve() {
    brokers_.look();
    while (const Event event{rd_kafka_queue_poll(events_.get(), 0)}) {
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) {
        take_reports(event.get());
      } else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
        take_error(event.get());
      }
    }
    while (!backlog_.empty() && produce(backlog_.front().payload, backlog_.front().delivery)) {
      backlog_.pop_front();
    }
  }

  void take_reports(rd_kafka_event_t* event) {
    std::array<const rd_kafka_message_t*, kReportsAtOnce> reports;
    while (const auto count = rd_kafka_event_message_array(event, reports.data(), reports.size())) {
      for (std::size_t i = 0; i < count; ++i) {
        auto* record = static_cast<Record*>(reports[i]->_private);
        auto delivery = std::move(record->delivery);
        on_their_way_.erase(record->entry);
        delivery->over(failure(reports[i]->err));
      }
    }
  }

  // Errors that concern records come with their reports.
  void take_error(rd_kafka_event_t* event) {
    const auto error = rd_kafka_event_error(event);
    const char* text = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error_is_fatal(event) != 0) broken_ = true;
    if (!brokers_.take(error, text)) detail::notice(setup_->options.reconnect, "to_kafka()", text);
  }

  std::exception_ptr failure(rd_kafka_resp_err_t error) const {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return nullptr;
    return std::make_exception_ptr(Error("to_kafka(\"" + setup_->topic + "\"): " + text_of(error)));
  }

  const std::shared_ptr<const KafkaSinkSetup> setup_;
  const std::shared_ptr<Loop> loop_;
  const std::shared_ptr<EventFd> ready_ = std::make_shared<EventFd>();
  Brokers brokers_;
  rd_kafka_t* client_ = nullptr;
  Queue events_;
  asio::posix::stream_descriptor wait_;
  bool watching_ = false;
  bool broken_ = false;
  Records on_their_way_;
  std::deque<Waiting> backlog_;  // librdkafka had no place; no more than the sink's window
};

}  // namespace
}  // namespace penstock::kafka

namespace penstock::detail {

std::shared_ptr<KafkaProducer> KafkaProducer::create(std::shared_ptr<const KafkaSinkSetup> setup,
                                                     std::shared_ptr<Loop> loop) {
  return std::make_shared<kafka::Producer>(std::move(setup), std::move(loop));
}

}  // namespace penstock::detail
