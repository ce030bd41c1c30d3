#include "worker/executor.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <penstock/detail/task_place.hpp>

namespace penstock::worker {
namespace {

using Clock = std::chrono::steady_clock;

// Plans report what their functions throw; this is the net below them.
Result run_plan(const Job& job) {
  try {
    // As it was read, unless it came in pieces.
    absl::Cord input = job.input;
    const absl::string_view bytes = input.Flatten();
    return (*job.plan)(std::string_view(bytes.data(), bytes.size()));
  } catch (const std::exception& error) {
    return Failure{FailureKind::kRaised, "std::exception", error.what(), ""};
  } catch (...) {
    return Failure{FailureKind::kRaised, "", "unknown exception", ""};
  }
}

void work(Driver& driver, std::uint32_t thread, BlackBox* black_box) {
  const Job* job = driver.first(thread);
  while (job != nullptr) {
    detail::task_place().attempt = job->attempt;
    if (black_box != nullptr) black_box->started(thread, job->task, job->attempt);
    const Clock::time_point begin = Clock::now();
    Result result = run_plan(*job);
    const Duration run = Clock::now() - begin;
    if (black_box != nullptr) black_box->finished(thread);
    job = driver.next(thread, std::move(result), run);
  }
}

}  // namespace

struct Executor::Threads {
  std::mutex mutex;
  std::condition_variable ended;
  std::uint32_t alive = 0;
};

Executor::Executor(std::shared_ptr<Driver> driver, std::uint32_t threads, std::string worker,
                   std::shared_ptr<BlackBox> black_box)
    : driver_(std::move(driver)), threads_(std::make_shared<Threads>()) {
  for (std::uint32_t thread = 0; thread < threads; ++thread) {
    {
      const std::lock_guard lock(threads_->mutex);
      ++threads_->alive;
    }
    std::thread([driver = driver_, shared = threads_, worker, black_box, thread] {
      detail::task_place().worker = worker;
      work(*driver, thread, black_box.get());
      const std::lock_guard lock(shared->mutex);
      --shared->alive;
      shared->ended.notify_all();
    }).detach();
  }
}

Executor::~Executor() { stop(Clock::now()); }

bool Executor::stop(Clock::time_point deadline) {
  driver_->stop();
  std::unique_lock lock(threads_->mutex);
  return threads_->ended.wait_until(lock, deadline, [this] { return threads_->alive == 0; });
}

}  // namespace penstock::worker
