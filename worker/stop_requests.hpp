// Asks tasks to stop, on a thread of its own: users' callbacks run then, and may take their time.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

namespace penstock::worker {

// Thread-safe. Does not wait for callbacks when it goes.
class StopRequests {
 public:
  StopRequests() = default;
  ~StopRequests();
  StopRequests(const StopRequests&) = delete;
  StopRequests& operator=(const StopRequests&) = delete;

  void add(std::vector<std::stop_source> sources);

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::stop_source> waiting;
    bool started = false;
    bool over = false;
  };
  static void run(Shared& shared);

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace penstock::worker
