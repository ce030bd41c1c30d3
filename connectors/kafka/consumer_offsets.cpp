// Commits, and the rebalances around which they matter most.
#include <string_view>

#include "connectors/kafka/consumer.hpp"

namespace penstock::kafka {
namespace {

PartitionList list_of(const std::vector<Commit>& commits) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(commits.size())));
  for (const auto& commit : commits) {
    rd_kafka_topic_partition_list_add(list.get(), commit.topic.c_str(), commit.partition)->offset =
        commit.offset;
  }
  return list;
}

template <class F>
void each(const rd_kafka_topic_partition_list_t* list, F function) {
  for (int i = 0; list != nullptr && i < list->cnt; ++i) function(list->elems[i]);
}

// What a rebalance brings about; the next commit comes with it or after it.
bool is_of_a_rebalance(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || error == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

// What is over when a broker answers again.
bool is_of_the_connection(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
         error == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || error == RD_KAFKA_RESP_ERR__WAIT_COORD ||
         error == RD_KAFKA_RESP_ERR__DESTROY || error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
         error == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || error == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
         error == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

}  // namespace

// ---- commits ------------------------------------------------------------------------------------

void Consumer::tick() {
  serve();
  if (place_.loop->now() >= next_commit_) {
    next_commit_ = place_.loop->now() + setup_->options.commit_interval;
    commit();
  }
  timer_ = place_.loop->call_at(place_.loop->now() + tick_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->client_ != nullptr) self->tick();
  });
}

void Consumer::commit() {
  if (committing_) return;
  const auto commits = offsets_->with([](OffsetTracker& tracker) { return tracker.take_commits(); });
  if (commits.empty()) return;
  const auto list = list_of(commits);
  committing_ = rd_kafka_commit_queue(client_, list.get(), events_.get(), nullptr, nullptr) ==
                RD_KAFKA_RESP_ERR_NO_ERROR;
  if (committing_) return;
  offsets_->with([&](OffsetTracker& tracker) {
    for (const auto& each : commits) tracker.not_committed(each);
  });
}

void Consumer::commit_and_wait(TimePoint deadline) {
  const auto commits = offsets_->with([](OffsetTracker& tracker) { return tracker.take_all_commits(); });
  if (commits.empty() || brokers_->away()) return;
  const auto list = list_of(commits);
  const Queue replies(rd_kafka_queue_new(client_));
  if (rd_kafka_commit_queue(client_, list.get(), replies.get(), nullptr, nullptr)) return;
  const Event reply(rd_kafka_queue_poll(replies.get(), milliseconds_until(deadline, place_.loop->now())));
  if (reply) confirm(reply.get());
}

void Consumer::confirm(rd_kafka_event_t* event) {
  const auto all = rd_kafka_event_error(event);
  auto failed = RD_KAFKA_RESP_ERR_NO_ERROR;
  each(rd_kafka_event_topic_partition_list(event), [&](const rd_kafka_topic_partition_t& part) {
    const Commit commit{part.topic, part.partition, part.offset};
    const auto bad = all != RD_KAFKA_RESP_ERR_NO_ERROR ? all : part.err;
    offsets_->with([&](OffsetTracker& tracker) {
      bad == RD_KAFKA_RESP_ERR_NO_ERROR ? tracker.committed(commit) : tracker.not_committed(commit);
    });
    if (bad != RD_KAFKA_RESP_ERR_NO_ERROR) failed = bad;
  });
  if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (is_of_a_rebalance(failed) || is_of_the_connection(failed)) return;
  place_.report(std::make_exception_ptr(error("commit failed, to be tried again: " + text_of(failed))));
}

// ---- rebalances ---------------------------------------------------------------------------------

bool Consumer::is_cooperative() const {
  const char* protocol = rd_kafka_rebalance_protocol(client_);
  return protocol != nullptr && std::string_view(protocol) == "COOPERATIVE";
}

void Consumer::rebalance(rd_kafka_event_t* event) {
  const auto* partitions = rd_kafka_event_topic_partition_list(event);
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assign(partitions);
  } else {
    revoke(partitions);
  }
}

void Consumer::assign(const rd_kafka_topic_partition_list_t* partitions) {
  each(partitions, [this](const rd_kafka_topic_partition_t& part) {
    offsets_->with([&](OffsetTracker& tracker) { tracker.assign(part.topic, part.partition); });
    // Before it is fetched: not into the queue of events, which is served while the stream is slow.
    const Queue queue(rd_kafka_queue_get_partition(client_, part.topic, part.partition));
    if (queue) rd_kafka_queue_forward(queue.get(), messages_.get());
  });
  if (is_cooperative()) {
    if (auto* refused = rd_kafka_incremental_assign(client_, partitions)) rd_kafka_error_destroy(refused);
  } else {
    rd_kafka_assign(client_, partitions);
  }
}

void Consumer::revoke(const rd_kafka_topic_partition_list_t* partitions) {
  if (rd_kafka_assignment_lost(client_) == 0) {
    commit_and_wait(place_.loop->now() + setup_->options.close_timeout);
  }
  each(partitions, [this](const rd_kafka_topic_partition_t& part) {
    offsets_->with([&](OffsetTracker& tracker) { tracker.revoke(part.topic, part.partition); });
  });
  if (!is_cooperative()) {
    rd_kafka_assign(client_, nullptr);
  } else if (auto* refused = rd_kafka_incremental_unassign(client_, partitions)) {
    rd_kafka_error_destroy(refused);
  }
  // Room may have come with what is forgotten.
  messages_ready_->notify();
}

}  // namespace penstock::kafka
