// Counts words that come in by one Kafka topic, and writes the counts into another.
//
//   example_kafka_word_count localhost:9092 lines words
//
// Every second each word that came goes out with how often it came, under the word as its key. A line is
// committed when the counts that it is part of have arrived.
#include <asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <map>
#include <penstock/connectors/from_kafka.hpp>
#include <penstock/connectors/to_kafka.hpp>
#include <penstock/runtime.hpp>
#include <sstream>

using namespace std::chrono_literals;

std::vector<std::string> words_of(const penstock::KafkaMessage& message) {
  std::istringstream in(message.value);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<penstock::KafkaRecord> count(const std::vector<std::string>& words) {
  std::map<std::string, int> counts;
  for (const auto& word : words) ++counts[word];
  std::vector<penstock::KafkaRecord> records;
  for (const auto& [word, times] : counts) {
    records.push_back({.key = word, .value = std::to_string(times)});
  }
  return records;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: example_kafka_word_count BROKERS FROM_TOPIC TO_TOPIC\n";
    return 2;
  }
  const auto lines = penstock::from_kafka({argv[2]}, {.brokers = argv[1], .group = "word-count"});
  lines.map(words_of)
      .flatten()
      .timed_window(1s, {.emit_empty = false})
      .map(count)
      .flatten()
      .pipe(penstock::to_kafka(argv[3], {.brokers = argv[1]}));
  lines.set_error_handler([](std::exception_ptr error) {
    std::cerr << penstock::Failure{error, ""}.text() << '\n';
  });
  lines.start();

  asio::io_context io;  // waits for Ctrl-C; the stream has a loop of its own
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([](std::error_code, int) {});
  io.run();
  lines.stop();
  lines.drain();  // it has committed and left its group
}
