#include "penstock/connectors/from_kafka.hpp"

#include <asio/this_coro.hpp>
#include <system_error>

#include "connectors/kafka/consumer.hpp"
#include "penstock/sources/from_coroutine.hpp"

namespace penstock {
namespace kafka {
namespace {

using SetupPtr = std::shared_ptr<const ConsumerSetup>;

template <class T>
std::shared_ptr<Consumer> join(const Emitter<T>& out, SetupPtr setup) {
  const auto report = [out](std::exception_ptr error) { out.report(std::move(error)); };
  return Consumer::join(std::move(setup), {out.loop(), out.executor(), report});
}

// Before each emit: one that threw before it has sent its element would release the token of what nobody saw.
asio::awaitable<void> go_on_unless_stopped() {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    throw std::system_error(asio::error::operation_aborted);
  }
}

asio::awaitable<void> emit_messages(Emitter<KafkaMessage> out, SetupPtr setup) {
  const auto consumer = join(out, std::move(setup));
  try {
    for (;;) {
      co_await go_on_unless_stopped();
      if (auto taken = consumer->take()) {
        Token token = consumer->token(taken->position);
        co_await out.emit(std::move(taken->message), std::move(token));
      } else {
        co_await consumer->ready();
      }
    }
  } catch (...) {
    consumer->leave();
    throw;
  }
}

asio::awaitable<void> emit_batches(Emitter<std::vector<KafkaMessage>> out, SetupPtr setup) {
  const auto consumer = join(out, std::move(setup));
  try {
    for (;;) {
      std::vector<Consumer::Taken> taken = co_await consumer->take_batch();
      co_await go_on_unless_stopped();
      std::vector<KafkaMessage> messages;
      std::vector<OffsetTracker::Position> positions;
      messages.reserve(taken.size());
      positions.reserve(taken.size());
      for (auto& each : taken) {
        messages.push_back(std::move(each.message));
        positions.push_back(each.position);
      }
      taken = {};
      Token token = consumer->token(std::move(positions));
      co_await out.emit(std::move(messages), std::move(token));
    }
  } catch (...) {
    consumer->leave();
    throw;
  }
}

SetupPtr checked(const char* call, std::vector<std::string> topics, KafkaSourceOptions options) {
  auto setup = std::make_shared<ConsumerSetup>(ConsumerSetup{call, std::move(topics), std::move(options)});
  setup->check();
  return setup;
}

}  // namespace
}  // namespace kafka

Source<KafkaMessage> from_kafka(std::vector<std::string> topics, KafkaSourceOptions options) {
  auto setup = kafka::checked("from_kafka()", std::move(topics), std::move(options));
  const LoopRef loop = setup->options.loop;
  return detail::make_coroutine_source<KafkaMessage>(
      "from_kafka",
      [setup = std::move(setup)](Emitter<KafkaMessage> out) { return kafka::emit_messages(out, setup); },
      {loop, false});
}

Source<std::vector<KafkaMessage>> from_kafka_batched(std::vector<std::string> topics,
                                                     KafkaSourceOptions options) {
  auto setup = kafka::checked("from_kafka_batched()", std::move(topics), std::move(options));
  if (setup->options.max_batch > setup->options.max_outstanding) {
    throw Error("from_kafka_batched(): .max_batch must not be above .max_outstanding");
  }
  const LoopRef loop = setup->options.loop;
  return detail::make_coroutine_source<std::vector<KafkaMessage>>(
      "from_kafka_batched",
      [setup = std::move(setup)](Emitter<std::vector<KafkaMessage>> out) {
        return kafka::emit_batches(out, setup);
      },
      {loop, false});
}

}  // namespace penstock
