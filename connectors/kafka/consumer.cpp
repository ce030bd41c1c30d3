#include "connectors/kafka/consumer.hpp"

#include <algorithm>
#include <asio/use_awaitable.hpp>
#include <thread>

#include "connectors/kafka/message.hpp"

namespace penstock::kafka {
namespace {

void wake_by(const Queue& queue, const EventFd& fd) {
  static constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue.get(), fd.get(), &kOne, sizeof kOne);
}

// librdkafka waits so long for the answer to a goodbye.
constexpr auto kLeaveTimeout = std::chrono::seconds{6};

// What librdkafka says of a partition does not name it.
std::string text_of(const rd_kafka_message_t& failed) {
  const std::string text = rd_kafka_message_errstr(&failed);
  if (failed.rkt == nullptr || failed.partition < 0) return text;
  return std::string(rd_kafka_topic_name(failed.rkt)) + " [" + std::to_string(failed.partition) + "]: " + text;
}

// Without a goodbye librdkafka waits for the answers that are due, up to session.timeout.ms. Nobody needs to
// wait with it.
void destroy_in_background(rd_kafka_t* client, std::shared_ptr<Brokers> brokers) {
  std::thread([client, brokers = std::move(brokers)] {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }).detach();
}

void do_not_wake(const Queue& queue) { rd_kafka_queue_io_event_enable(queue.get(), -1, nullptr, 0); }

}  // namespace

// ---- life ---------------------------------------------------------------------------------------

std::shared_ptr<Consumer> Consumer::join(std::shared_ptr<const ConsumerSetup> setup, ConsumerPlace place) {
  std::shared_ptr<Consumer> consumer(new Consumer(std::move(setup), std::move(place)));
  consumer->watch_events();
  consumer->tick();
  return consumer;
}

Consumer::Consumer(std::shared_ptr<const ConsumerSetup> setup, ConsumerPlace place)
    : setup_(std::move(setup)),
      place_(std::move(place)),
      offsets_(std::make_shared<TrackedOffsets>(setup_->options.max_outstanding, messages_ready_)),
      brokers_(std::make_shared<Brokers>(setup_->call, setup_->options.brokers, setup_->options.reconnect,
                                         events_ready_)),
      messages_wait_(messages_ready_->descriptor(place_.executor)),
      events_wait_(events_ready_->descriptor(place_.executor)) {
  Conf conf = setup_->configure();
  // A member that does not ask for so long is thrown out.
  tick_ = std::min(setup_->options.commit_interval, setup_->max_poll_interval() / 3);
  brokers_->watch(conf.get());
  client_ = make_client(setup_->call, RD_KAFKA_CONSUMER, std::move(conf));
  rd_kafka_poll_set_consumer(client_);
  events_.reset(rd_kafka_queue_get_consumer(client_));
  messages_.reset(rd_kafka_queue_new(client_));
  wake_by(events_, *events_ready_);
  wake_by(messages_, *messages_ready_);

  PartitionList topics(rd_kafka_topic_partition_list_new(static_cast<int>(setup_->topics.size())));
  for (const auto& topic : setup_->topics) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  if (const auto failed = rd_kafka_subscribe(client_, topics.get())) {
    disconnect(place_.loop->now());
    throw error("cannot subscribe: " + text_of(failed));
  }
  next_commit_ = place_.loop->now() + setup_->options.commit_interval;
}

// Without leave(): the loop is being destroyed, and tokens are released for elements that went nowhere.
Consumer::~Consumer() {
  if (client_ != nullptr) disconnect(place_.loop->now());
}

void Consumer::leave() {
  const auto deadline = place_.loop->now() + setup_->options.close_timeout;
  place_.loop->cancel(timer_);
  events_wait_.close();
  messages_wait_.close();
  commit_and_wait(deadline);
  disconnect(deadline);
}

void Consumer::disconnect(TimePoint deadline) {
  do_not_wake(events_);
  do_not_wake(messages_);
  events_.reset();
  const bool closed = close_before(deadline);
  messages_.reset();
  rd_kafka_t* const client = std::exchange(client_, nullptr);
  closed ? rd_kafka_destroy(client) : destroy_in_background(client, brokers_);
}

// Says goodbye to the group. What has begun must be served until it is over, or destroy would wait for it
// for ever: without time it does not begin.
bool Consumer::close_before(TimePoint deadline) {
  if (place_.loop->now() >= deadline) return false;
  const Queue closing(rd_kafka_queue_new(client_));
  if (auto* refused = rd_kafka_consumer_close_queue(client_, closing.get())) {
    rd_kafka_error_destroy(refused);
    return false;
  }
  while (rd_kafka_consumer_closed(client_) == 0) {
    const int left = std::min(milliseconds_until(deadline, place_.loop->now()), 100);
    const Event event(rd_kafka_queue_poll(closing.get(), std::max(left, 1)));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) {
      rd_kafka_assign(client_, nullptr);
    }
    if (place_.loop->now() >= deadline + kLeaveTimeout) return false;
  }
  return true;
}

// ---- messages -----------------------------------------------------------------------------------

std::optional<Consumer::Taken> Consumer::take() {
  for (;;) {
    if (failure_) std::rethrow_exception(failure_);
    if (!offsets_->has_room()) return std::nullopt;
    const Message message(rd_kafka_consume_queue(messages_.get(), 0));
    if (!message) return std::nullopt;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      handle_error(message->err, text_of(*message));
      continue;
    }
    Taken taken{message_of(*message), {}};
    const auto position = offsets_->with([&](OffsetTracker& tracker) {
      return tracker.add(taken.message.topic, taken.message.partition, taken.message.offset);
    });
    if (!position) continue;  // the partition is another member's by now
    taken.position = *position;
    return taken;
  }
}

asio::awaitable<void> Consumer::ready() {
  co_await messages_wait_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  messages_ready_->clear();
}

asio::awaitable<std::vector<Consumer::Taken>> Consumer::take_batch() {
  std::vector<Taken> batch;
  TimePoint deadline{};
  Loop::Timer alarm;
  while (batch.size() < setup_->options.max_batch) {
    if (auto taken = take()) {
      if (batch.empty()) {
        deadline = place_.loop->now() + setup_->options.poll_interval;
        alarm = place_.loop->call_at(deadline, [fd = messages_ready_] { fd->notify(); });
      }
      batch.push_back(std::move(*taken));
      continue;
    }
    const bool waits_for_itself = !batch.empty() && !offsets_->has_room();
    if (waits_for_itself || (!batch.empty() && place_.loop->now() >= deadline)) break;
    co_await ready();
  }
  place_.loop->cancel(alarm);
  co_return batch;
}

Token Consumer::token(OffsetTracker::Position position) const {
  return Token([offsets = offsets_, position] { offsets->done(&position, 1); });
}

Token Consumer::token(std::vector<OffsetTracker::Position> positions) const {
  return Token([offsets = offsets_, positions = std::move(positions)] {
    offsets->done(positions.data(), positions.size());
  });
}

// ---- events -------------------------------------------------------------------------------------

void Consumer::watch_events() {
  events_wait_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const std::error_code& failed) {
                            const auto self = weak.lock();
                            if (failed || !self || self->client_ == nullptr) return;
                            self->events_ready_->clear();
                            self->serve();
                            if (self->client_ != nullptr) self->watch_events();
                          });
}

void Consumer::serve() {
  brokers_->look();
  while (const Event event{rd_kafka_queue_poll(events_.get(), 0)}) handle(event.get());
}

void Consumer::handle(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
      return rebalance(event);
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      committing_ = false;
      return confirm(event);
    case RD_KAFKA_EVENT_ERROR:
      if (rd_kafka_event_error_is_fatal(event) != 0) {
        return fail(std::make_exception_ptr(error(rd_kafka_event_error_string(event))));
      }
      return handle_error(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    default:
      return;
  }
}

void Consumer::handle_error(rd_kafka_resp_err_t failed, const std::string& text) {
  if (failed == RD_KAFKA_RESP_ERR__PARTITION_EOF || brokers_->take(failed, text.c_str())) return;
  place_.report(std::make_exception_ptr(error(text)));
}

// The body of the source finds it.
void Consumer::fail(std::exception_ptr error) {
  failure_ = std::move(error);
  messages_ready_->notify();
}

}  // namespace penstock::kafka
