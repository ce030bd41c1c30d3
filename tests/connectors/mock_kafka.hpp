// A Kafka cluster in the test's own process, librdkafka's mock of one: real sockets, groups and commits.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "penstock/connectors/from_kafka.hpp"
#include "penstock/connectors/to_kafka.hpp"
#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {

// The mock lets 3 s pass before a group's first member gets its partitions, and asks for a session timeout
// longer than that; as long as that, less 1 s, before a group with a new member has its partitions again.
constexpr auto kKafkaDeadline = 60s;

class MockKafka {
 public:
  MockKafka();
  ~MockKafka();

  std::string addresses() const;
  void create(const std::string& topic, int partitions);
  void down();
  void up();
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

// Looks until it is true; false when the deadline has passed.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kKafkaDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// True when it is true all that time.
template <class Condition>
bool stays(Condition condition, std::chrono::milliseconds time = 500ms) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (!condition()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// A list that one thread fills and another looks at.
template <class T>
class Seen {
 public:
  void add(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }
  std::vector<T> values() const {
    std::lock_guard lock(mutex_);
    return values_;
  }
  std::size_t size() const { return values().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
};

// Holds up awaitable functions on a loop until the test opens it.
class Barrier {
 public:
  asio::awaitable<void> pass(LoopRef loop) {
    ++arrived;
    while (!open) co_await pass_time(loop, 2ms);
  }
  std::atomic<bool> open{false};
  std::atomic<int> arrived{0};
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

inline std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (int x = from; x < to; ++x) all.push_back(std::to_string(x));
  return all;
}

}  // namespace penstock::testing
