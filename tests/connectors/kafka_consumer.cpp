// kafka_consumer BROKERS FILE from_kafka|from_kafka_batched: consumes the topic "t" for the group "g" and
// writes partition and offset of each message into FILE, until it is killed.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "penstock/connectors/from_kafka.hpp"
#include "penstock/runtime.hpp"

using namespace std::chrono_literals;

namespace {

int file = -1;

void sink(const penstock::KafkaMessage& message) {
  const std::string line = std::to_string(message.partition) + " " + std::to_string(message.offset) + "\n";
  if (::write(file, line.data(), line.size()) < 0) ::_exit(3);
  std::this_thread::sleep_for(1ms);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  file = ::open(argv[2], O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const penstock::KafkaSourceOptions options{
      .brokers = argv[1],
      .group = "g",
      .config = {{"session.timeout.ms", "4000"}, {"heartbeat.interval.ms", "300"}},
      .commit_interval = 300ms,
      .poll_interval = 100ms,
      .max_batch = 50};
  const auto messages = penstock::from_kafka({"t"}, options);
  const auto batches = penstock::from_kafka_batched({"t"}, options);
  messages.sink(sink);
  batches.sink([](const std::vector<penstock::KafkaMessage>& batch) {
    for (const auto& message : batch) sink(message);
  });
  if (std::string(argv[3]) == "from_kafka") {
    messages.start();
  } else {
    batches.start();
  }
  ::pause();
}
