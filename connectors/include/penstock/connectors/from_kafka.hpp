// from_kafka(topics, options): emits the messages of Kafka topics, as a member of a consumer group.
//
//   auto orders = penstock::from_kafka({"orders"}, {.brokers = "localhost:9092", .group = "billing"});
//   orders.map([](const penstock::KafkaMessage& m) { return bill(m.value); }).sink(send);
//   orders.start();
//
//   partition 0   -a1----a2-----a3--
//   partition 1   ---b1-----b2------
//   out           -a1b1--a2-b2--a3--
//
// Order: that of each partition. Any loop; no thread of Penstock's own (librdkafka has some for the network),
// but for the end of a client whose broker does not answer.
//
// Commits. Each element carries a token; when its last trace is gone (it has left the last sink, to_kafka()
// included, through windows, buffers and scatter().gather()), it is done. What is committed of a partition
// is the row of elements that are done without a gap before them: never past one that is still on its way.
// This happens every commit_interval, when partitions are taken away, and at stop(). So each message is
// processed at least once: after a crash, a rebalance or a stop(), what was not committed comes again.
//
// An element that failed counts as done, whatever the policy of the node, once its retries are over: it is
// not read again, and does not hold up its partition for ever. With retry() it is on its way until the
// last attempt; with dead_letter(errors) until the stream of errors has let it go, so that
// `errors.map(text_of).pipe(to_kafka("failed", ...))` loses nothing. What a node drops is done too:
// filter(), unique(), or destroy() of the node in which it waits.
//
// Back-pressure: the next message is taken when the one before was delivered. A stream may be slow for any
// time: the source answers its group meanwhile and stays a member, max.poll.interval.ms notwithstanding;
// only a function that blocks the loop itself for longer costs the membership (use map_async() or
// scatter()). What librdkafka fetches ahead is bounded by its queued.min.messages (100'000, for each
// partition) and queued.max.messages.kbytes (65'536, for all partitions). Also, at most max_outstanding
// elements stand at or behind one that is not done; at that limit the source waits. A node that collects
// more than that before it lets go of any (a window of 100'000) would wait for ever: raise the limit.
//
// Errors. Bad options throw Error at once, an unknown key of `config` with its name. Brokers that go away are
// told once through reconnect.on_notice, and so is that they are back; librdkafka reconnects by itself, with
// the pauses of `reconnect`. What cannot heal (a topic that does not exist, no permission) obeys the policy
// of this source; after a fatal one it stands still until the next start(). A commit that fails is
// tried again with the next one.
//
// stop() commits and leaves the group, on the loop, which stands still for that: some milliseconds; when the
// broker does not answer close_timeout at most, and 6 s for the goodbye. So it does for the commit while
// partitions are taken away. Elements that are in the stream at stop() go on, but
// are not committed any more. start() goes on at the commit. A program that ends should wait for the stop:
// source.stop(); source.drain(). Without it, and when an io_context is destroyed, nothing more is committed:
// nothing is lost, some comes again.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "penstock/connectors/kafka_message.hpp"
#include "penstock/reconnect.hpp"
#include "penstock/source.hpp"

namespace penstock {

struct KafkaSourceOptions {
  std::string brokers;  // "host:9092,other:9092": some that know the others
  std::string group;
  // Where to begin without a commit: "earliest", "latest", or "error".
  std::string auto_offset_reset = "earliest";
  // Passed to librdkafka as it is: {{"security.protocol", "ssl"}, {"fetch.min.bytes", "1000"}}. Not what the
  // options here set. Its log is silent unless "debug" or "log_level" is among these.
  std::map<std::string, std::string> config = {};
  Duration commit_interval = std::chrono::seconds{1};
  std::size_t max_outstanding = 65'536;  // elements that are read and not ready to be committed
  Duration close_timeout = std::chrono::seconds{5};  // for the last commit; see above
  ReconnectOptions reconnect = {};
  // Of from_kafka_batched() only: a batch goes out when it is full, or so long after its first message.
  Duration poll_interval = std::chrono::seconds{1};
  std::size_t max_batch = 10'000;  // not more than max_outstanding
  LoopRef loop = {};
};

Source<KafkaMessage> from_kafka(std::vector<std::string> topics, KafkaSourceOptions options);

// The same in batches, of one or more messages: a batch is one element, and when it is done all of its
// messages are. Those of one partition are in order. While the stream is slow, the next batch waits.
Source<std::vector<KafkaMessage>> from_kafka_batched(std::vector<std::string> topics,
                                                     KafkaSourceOptions options);

}  // namespace penstock
