#include "worker/executor.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <penstock/detail/task_place.hpp>

#include "proto/limits.hpp"
#include "worker/input_assembler.hpp"

namespace penstock::worker {
namespace {

using Clock = std::chrono::steady_clock;

Failure unreadable(const absl::Status& status) {
  const bool senseless = status.code() == absl::StatusCode::kInvalidArgument;
  return Failure{senseless ? FailureKind::kBadArguments : FailureKind::kInputLost, "",
                 std::string(status.message()), ""};
}

Result run_with_own_input(const Job& job) {
  // As it was read, unless it came in pieces.
  absl::Cord input = job.input;
  const absl::string_view bytes = input.Flatten();
  return job.plan->run(std::string_view(bytes.data(), bytes.size()));
}

// `begin` is set to when the function begins.
Result run_with_kept_input(const Job& job, InputAssembler& inputs, Driver& driver, std::uint32_t thread,
                           Clock::time_point& begin) {
  const absl::StatusOr<proto_values::Bytes> input = inputs.assemble(job.input, job.kept);
  begin = Clock::now();
  if (!input.ok()) return unreadable(input.status());
  if (job.plan->timeout > Duration{0}) driver.begins(thread);
  return job.plan->run(input->view);
}

// Plans report what their functions throw; this is the net below them.
Result run(const Job& job, InputAssembler& inputs, Driver& driver, std::uint32_t thread,
           Clock::time_point& begin) {
  try {
    if (job.kept.empty()) return run_with_own_input(job);
    return run_with_kept_input(job, inputs, driver, thread, begin);
  } catch (const std::exception& error) {
    return Failure{FailureKind::kRaised, "std::exception", error.what(), ""};
  } catch (...) {
    return Failure{FailureKind::kRaised, "", "unknown exception", ""};
  }
}

// What becomes of a large result: it stays here, or else travels if it can.
void keep(Result& result, const RunnablePlan& plan, Driver& driver) {
  auto* const bytes = std::get_if<std::string>(&result);
  if (bytes == nullptr || bytes->size() <= proto_limits::kMaxInlineBytes) return;
  const bool can_travel = bytes->size() <= proto_limits::kMaxValueBytes;
  const bool stays = plan.keeps && !(can_travel && driver.leaving());
  if (ValueStore::Value value = stays ? driver.values()->admit(*bytes) : nullptr) {
    result = Kept{std::move(value)};
  } else if (!can_travel) {
    const std::string_view why =
        plan.keeps ? ", and the store of values that stay on this worker is full (--max-value-bytes)" : "";
    result = too_large_to_travel(bytes->size(), why, plan.last);
  }
}

void work(Driver& driver, InputAssembler& inputs, std::uint32_t thread, BlackBox* black_box) {
  const Job* job = driver.first(thread);
  while (job != nullptr) {
    detail::task_place().attempt = job->attempt;
    detail::task_place().stop = &job->stop;
    if (black_box != nullptr) black_box->started(thread, job->task, job->attempt);
    Clock::time_point begin = Clock::now();
    Result result = run(*job, inputs, driver, thread, begin);
    const Duration time = Clock::now() - begin;
    keep(result, *job->plan, driver);
    if (black_box != nullptr) black_box->finished(thread);
    job = driver.next(thread, std::move(result), time);
  }
}

}  // namespace

struct Executor::Threads {
  std::mutex mutex;
  std::condition_variable ended;
  std::uint32_t alive = 0;
};

Executor::Executor(std::shared_ptr<Driver> driver, std::shared_ptr<InputAssembler> inputs,
                   std::uint32_t threads, std::string worker, std::shared_ptr<BlackBox> black_box)
    : driver_(std::move(driver)), threads_(std::make_shared<Threads>()) {
  for (std::uint32_t thread = 0; thread < threads; ++thread) {
    {
      const std::lock_guard lock(threads_->mutex);
      ++threads_->alive;
    }
    std::thread([driver = driver_, inputs, shared = threads_, worker, black_box, thread] {
      detail::task_place().worker = worker;
      work(*driver, *inputs, thread, black_box.get());
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
