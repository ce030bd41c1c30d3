// kafka_consumer BROKERS FILE: consumes the topic "t" for the group "g" and writes the offset of each message
// into FILE, until it is killed.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "penstock/connectors/from_kafka.hpp"
#include "penstock/runtime.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int file = ::open(argv[2], O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const auto source = penstock::from_kafka(
      {"t"}, {.brokers = argv[1],
              .group = "g",
              .config = {{"session.timeout.ms", "4000"}, {"heartbeat.interval.ms", "300"}},
              .commit_interval = 300ms});
  source.sink([file](const penstock::KafkaMessage& message) {
    const std::string line = std::to_string(message.offset) + "\n";
    if (::write(file, line.data(), line.size()) < 0) ::_exit(3);
    std::this_thread::sleep_for(1ms);
  });
  source.start();
  ::pause();
}
