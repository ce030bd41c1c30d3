#include "penstock/connectors/from_kafka.hpp"

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

// `held` in both: an element whose emit was cut short may not have left yet, so it must not count as done
// before leave() has committed.
asio::awaitable<void> emit_messages(Emitter<KafkaMessage> out, SetupPtr setup) {
  const auto consumer = join(out, std::move(setup));
  Token held;
  try {
    for (;;) {
      auto taken = consumer->take();
      if (!taken) {
        co_await consumer->ready();
        continue;
      }
      Token token = consumer->token(taken->position);
      held = token;
      co_await out.emit(std::move(taken->message), std::move(token));
      held = {};
    }
  } catch (...) {
    consumer->leave();
    throw;
  }
}

asio::awaitable<void> emit_batches(Emitter<std::vector<KafkaMessage>> out, SetupPtr setup) {
  const auto consumer = join(out, std::move(setup));
  Token held;
  try {
    for (;;) {
      std::vector<Consumer::Taken> taken = co_await consumer->take_batch();
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
      held = token;
      co_await out.emit(std::move(messages), std::move(token));
      held = {};
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
