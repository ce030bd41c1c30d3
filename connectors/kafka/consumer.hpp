// One membership in a consumer group, from start() to stop().
#pragma once

#include <librdkafka/rdkafka.h>

#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/brokers.hpp"
#include "connectors/kafka/configuration.hpp"
#include "connectors/kafka/consumer_setup.hpp"
#include "connectors/kafka/event_fd.hpp"
#include "connectors/kafka/tracked_offsets.hpp"
#include "penstock/token.hpp"

namespace penstock::kafka {

// The part of an Emitter that does not depend on its type.
struct ConsumerPlace {
  std::shared_ptr<Loop> loop;
  asio::any_io_executor executor;
  std::function<void(std::exception_ptr)> report;
};

// On the loop's thread. Rebalances, errors and commits are served as they come, also while the stream is
// slow: messages have a queue of their own, which nobody takes from meanwhile.
class Consumer : public std::enable_shared_from_this<Consumer> {
 public:
  struct Taken {
    KafkaMessage message;
    OffsetTracker::Position position;
  };

  // Throws Error.
  static std::shared_ptr<Consumer> join(std::shared_ptr<const ConsumerSetup> setup, ConsumerPlace place);
  ~Consumer();

  // The next message; none when there is none now, or no room. Throws the error that ended it all.
  std::optional<Taken> take();
  // Waits until take() is worth another try.
  asio::awaitable<void> ready();
  // One or more messages.
  asio::awaitable<std::vector<Taken>> take_batch();

  // Released, it tells that these are done.
  Token token(OffsetTracker::Position position) const;
  Token token(std::vector<OffsetTracker::Position> positions) const;

  // Commits what is done and leaves the group; at most close_timeout.
  void leave();

 private:
  Consumer(std::shared_ptr<const ConsumerSetup> setup, ConsumerPlace place);

  void watch_events();
  void serve();
  void handle(rd_kafka_event_t* event);
  void handle_error(rd_kafka_resp_err_t error, const std::string& text);
  void fail(std::exception_ptr error);

  // consumer_offsets.cpp
  void tick();
  void commit();
  void commit_and_wait(TimePoint deadline);
  void confirm(rd_kafka_event_t* event);

  void rebalance(rd_kafka_event_t* event);
  void assign(const rd_kafka_topic_partition_list_t* partitions);
  void revoke(const rd_kafka_topic_partition_list_t* partitions);
  bool is_cooperative() const;

  void disconnect(TimePoint deadline);
  bool close_before(TimePoint deadline);
  Error error(const std::string& text) const { return Error(std::string(setup_->call) + ": " + text); }

  const std::shared_ptr<const ConsumerSetup> setup_;
  const ConsumerPlace place_;
  const std::shared_ptr<EventFd> messages_ready_ = std::make_shared<EventFd>();
  const std::shared_ptr<EventFd> events_ready_ = std::make_shared<EventFd>();
  const std::shared_ptr<TrackedOffsets> offsets_;
  const std::shared_ptr<Brokers> brokers_;
  rd_kafka_t* client_ = nullptr;
  Queue messages_;
  Queue events_;
  asio::posix::stream_descriptor messages_wait_;
  asio::posix::stream_descriptor events_wait_;
  Duration tick_{};
  TimePoint next_commit_{};
  Loop::Timer timer_;
  bool committing_ = false;  // one at a time
  std::exception_ptr failure_;
};

}  // namespace penstock::kafka
