#include "worker/stop_requests.hpp"

#include <iterator>
#include <thread>

namespace penstock::worker {

StopRequests::~StopRequests() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->changed.notify_all();
}

void StopRequests::add(std::vector<std::stop_source> sources) {
  if (sources.empty()) return;
  const std::lock_guard lock(shared_->mutex);
  std::move(sources.begin(), sources.end(), std::back_inserter(shared_->waiting));
  shared_->changed.notify_all();
  if (std::exchange(shared_->started, true)) return;
  std::thread([shared = shared_] { run(*shared); }).detach();
}

void StopRequests::run(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (true) {
    shared.changed.wait(lock, [&] { return shared.over || !shared.waiting.empty(); });
    auto sources = std::exchange(shared.waiting, {});
    if (sources.empty()) return;
    lock.unlock();
    for (std::stop_source& source : sources) source.request_stop();
    sources.clear();
    lock.lock();
  }
}

}  // namespace penstock::worker
