// Threads that read values from workers: nobody else waits for that.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proto/value_reader.hpp"

namespace penstock::client {

// Thread-safe.
class Fetcher {
 public:
  using Done = std::function<void(absl::StatusOr<proto_values::Bytes>)>;

  static constexpr std::size_t kThreads = 4;  // started when there is work for them

  explicit Fetcher(std::string token) : shared_(std::make_shared<Shared>(std::move(token))) {}
  // Reads that have not ended end with CANCELLED.
  ~Fetcher() { stop(); }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Calls done() once, on one of the threads, or on this one after stop().
  void read(v1::KeptValue value, Done done);
  // Waits for the threads, unless called on one of them.
  void stop();

 private:
  struct Job {
    v1::KeptValue value;
    Done done;
  };
  struct Shared {
    explicit Shared(std::string token) : reader(std::move(token)) {}
    proto_values::ValueReader reader;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;
    std::size_t idle = 0;  // threads
    bool stopped = false;
  };

  static void run(Shared& shared);

  const std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;  // with the lock
};

}  // namespace penstock::client
