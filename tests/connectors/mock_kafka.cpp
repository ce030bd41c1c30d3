#include "tests/connectors/mock_kafka.hpp"

#include "connectors/kafka/message.hpp"

namespace penstock::testing {
namespace {

constexpr int kTimeout = 20'000;  // ms
constexpr int16_t kProduce = 0;   // the request's number in Kafka's protocol

using Settings = std::vector<std::pair<std::string, std::string>>;

rd_kafka_t* client(rd_kafka_type_t type, const Settings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512];
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
      throw std::runtime_error(text);
    }
  }
  rd_kafka_conf_set_log_cb(conf, nullptr);
  rd_kafka_t* made = rd_kafka_new(type, conf, text, sizeof text);
  if (made == nullptr) throw std::runtime_error(text);
  return made;
}

}  // namespace

MockKafka::MockKafka()
    : client_(client(RD_KAFKA_PRODUCER, {})), cluster_(rd_kafka_mock_cluster_new(client_, 1)) {}

MockKafka::~MockKafka() {
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(client_);
}

std::string MockKafka::addresses() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
void MockKafka::create(const std::string& topic, int partitions) {
  rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1);
}
void MockKafka::down() { rd_kafka_mock_broker_set_down(cluster_, -1); }
void MockKafka::up() { rd_kafka_mock_broker_set_up(cluster_, -1); }
void MockKafka::answer_after(std::chrono::milliseconds time) {
  rd_kafka_mock_broker_set_rtt(cluster_, -1, static_cast<int>(time.count()));
}
void MockKafka::deny(const std::string& topic, rd_kafka_resp_err_t error) {
  rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), error);
}
void MockKafka::refuse_to_produce(const std::vector<rd_kafka_resp_err_t>& errors) {
  rd_kafka_mock_push_request_errors_array(cluster_, kProduce, errors.size(), errors.data());
}

void MockKafka::fill(const std::string& topic, int partition, int n, int from) {
  rd_kafka_t* producer = client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", addresses()}});
  for (int x = from; x < from + n; ++x) {
    const std::string value = std::to_string(x);
    rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  }
  EXPECT_EQ(rd_kafka_flush(producer, kTimeout), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_destroy(producer);
}

std::vector<KafkaMessage> MockKafka::read(const std::string& topic, int partition, std::size_t n) {
  rd_kafka_t* consumer =
      client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", addresses()}, {"group.id", "reader"}});
  rd_kafka_poll_set_consumer(consumer);
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  std::vector<KafkaMessage> messages;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeout);
  while (messages.size() < n && std::chrono::steady_clock::now() < deadline) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 50);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) messages.push_back(kafka::message_of(*message));
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return messages;
}

std::int64_t MockKafka::committed(const std::string& group, const std::string& topic, int partition) {
  rd_kafka_t* other = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", addresses()}, {"group.id", group}});
  auto* list = rd_kafka_topic_partition_list_new(1);
  auto* entry = rd_kafka_topic_partition_list_add(list, topic.c_str(), partition);
  const auto error = rd_kafka_committed(other, list, kTimeout);
  const auto offset = error == RD_KAFKA_RESP_ERR_NO_ERROR && entry->offset >= 0 ? entry->offset : -1;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(other);
  return offset;
}

}  // namespace penstock::testing
