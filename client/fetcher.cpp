#include "client/fetcher.hpp"

#include <optional>
#include <utility>

#include "client/callback_thread.hpp"

namespace penstock::client {

void Fetcher::read(v1::KeptValue value, Done done) {
  {
    std::lock_guard lock(shared_->mutex);
    if (!shared_->stopped) {
      shared_->jobs.push_back({std::move(value), std::move(done)});
      if (shared_->idle < shared_->jobs.size() && threads_.size() < kThreads) {
        threads_.emplace_back([shared = shared_] { run(*shared); });
      }
      shared_->changed.notify_one();
      return;
    }
  }
  done(absl::CancelledError("the client is closed"));
}

void Fetcher::run(Shared& shared) {
  const CallbackThread scope;  // whoever is called may drop the client
  std::unique_lock lock(shared.mutex);
  while (true) {
    ++shared.idle;
    shared.changed.wait(lock, [&] { return shared.stopped || !shared.jobs.empty(); });
    --shared.idle;
    if (shared.jobs.empty()) return;
    std::optional<Job> job = std::move(shared.jobs.front());
    shared.jobs.pop_front();
    const bool stopped = shared.stopped;
    lock.unlock();
    job->done(stopped ? absl::CancelledError("the client is closed") : shared.reader.read(job->value));
    job.reset();  // without the lock: with it may go what it was for
    lock.lock();
  }
}

void Fetcher::stop() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
    threads.swap(threads_);
  }
  shared_->reader.cancel();
  shared_->changed.notify_all();
  for (auto& thread : threads) {
    thread.get_id() == std::this_thread::get_id() ? thread.detach() : thread.join();
  }
}

}  // namespace penstock::client
