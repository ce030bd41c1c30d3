// A Kafka cluster in the test's own process, librdkafka's mock of one: real sockets, groups and commits.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "penstock/connectors/from_kafka.hpp"
#include "penstock/connectors/to_kafka.hpp"
#include "tests/connectors/connector_support.hpp"

namespace penstock::testing {

// It lets 3 s pass before a group's first member gets its partitions, and asks for a session timeout longer
// than that; as long as that, less 1 s, before a group with a new member has its partitions again.
class MockKafka {
 public:
  MockKafka();
  ~MockKafka();

  std::string addresses() const;
  void create(const std::string& topic, int partitions);
  void down();
  void up();
  // Answers so much later. What it is asked it does at once.
  void answer_after(std::chrono::milliseconds time);
  // Answers so to who asks for the topic; a topic that does not exist it would make.
  void deny(const std::string& topic, rd_kafka_resp_err_t error);
  // What the next requests to produce are answered with.
  void refuse_to_produce(const std::vector<rd_kafka_resp_err_t>& errors);

  // Writes "0", "1", ... "n - 1" into a partition, or from another number on.
  void fill(const std::string& topic, int partition, int n, int from = 0);
  // The first n messages of a partition, in order; fewer when the deadline has passed.
  std::vector<KafkaMessage> read(const std::string& topic, int partition, std::size_t n);
  // -1: none.
  std::int64_t committed(const std::string& group, const std::string& topic, int partition);

 private:
  rd_kafka_t* client_;
  rd_kafka_mock_cluster_t* cluster_;
};

// Options for one group on a loop of the test; its commits come fast, and so does the end of a dead member.
inline KafkaSourceOptions group_options(const MockKafka& kafka, const LoopRef& loop) {
  return {.brokers = kafka.addresses(),
          .group = "g",
          .config = {{"session.timeout.ms", "4000"}, {"heartbeat.interval.ms", "300"}},
          .commit_interval = 50ms,
          .poll_interval = 100ms,
          .loop = loop};
}

// A cluster, a loop, and what a stream there does.
struct KafkaCase : ::testing::Test {
  KafkaSourceOptions options() { return group_options(kafka, thread); }
  std::int64_t committed(int partition = 0, const std::string& topic = "t") {
    return kafka.committed("g", topic, partition);
  }

  MockKafka kafka;
  Inbox<std::string> seen;
  Valve valve{false};
  LoopThread thread;
};

}  // namespace penstock::testing
