#include "worker/executor.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <penstock/detail/task_host.hpp>

#include "proto/limits.hpp"
#include "worker/input_assembler.hpp"

namespace penstock::worker {
namespace {

using Clock = std::chrono::steady_clock;

Failure unreadable(const absl::Status& status, std::vector<std::uint32_t> lost) {
  const bool senseless = status.code() == absl::StatusCode::kInvalidArgument;
  return Failure{senseless ? FailureKind::kBadArguments : FailureKind::kInputLost, "",
                 std::string(status.message()), "", std::move(lost)};
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
  std::vector<std::uint32_t> lost;
  const absl::StatusOr<proto_values::Bytes> input = inputs.assemble(job.input, job.kept, lost);
  begin = Clock::now();
  if (!input.ok()) return unreadable(input.status(), std::move(lost));
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

}  // namespace

// The threads of one worker, as long as any of them lives.
struct Executor::Threads : std::enable_shared_from_this<Threads> {
  Threads(std::shared_ptr<Driver> with_driver, std::shared_ptr<InputAssembler> with_inputs,
          std::shared_ptr<BlackBox> with_black_box)
      : driver(std::move(with_driver)), inputs(std::move(with_inputs)), black_box(std::move(with_black_box)) {}

  void start(std::uint32_t thread);
  void ended();

  const std::shared_ptr<Driver> driver;
  const std::shared_ptr<InputAssembler> inputs;
  const std::shared_ptr<BlackBox> black_box;  // null: none
  detail::TaskCluster cluster;

  std::mutex mutex;
  std::condition_variable one_ended;
  std::uint32_t alive = 0;
};

// One of them.
class Executor::Thread final : public detail::TaskHost {
 public:
  Thread(Threads& threads, std::uint32_t number) : threads_(threads), number_(number) {}

  void run();
  void begin_wait() override;
  void end_wait() override;
  detail::TaskCluster& cluster() override { return threads_.cluster; }

 private:
  void note_begin() const {
    if (threads_.black_box) threads_.black_box->started(number_, job_->task, job_->attempt);
  }
  void note_end() const {
    if (threads_.black_box) threads_.black_box->finished(number_);
  }

  Threads& threads_;
  const std::uint32_t number_;
  const Job* job_ = nullptr;
};

void Executor::Thread::run() {
  Driver& driver = *threads_.driver;
  detail::TaskPlace& place = detail::task_place();
  place.worker = threads_.cluster.worker;
  place.host = this;
  job_ = driver.first(number_);
  while (job_ != nullptr) {
    place.attempt = job_->attempt;
    place.priority = job_->plan->priority;
    place.client = static_cast<std::uint64_t>(job_->client);
    place.stop = &job_->stop;
    place.submitted.clear();
    note_begin();
    Clock::time_point begin = Clock::now();
    Result result = worker::run(*job_, *threads_.inputs, driver, number_, begin);
    const Duration time = Clock::now() - begin;
    keep(result, *job_->plan, driver);
    note_end();
    job_ = driver.next(number_, std::move(result), time);
  }
}

void Executor::Thread::begin_wait() {
  threads_.driver->waits(number_, [this](std::uint32_t added) { threads_.start(added); });
  note_end();  // it is not to blame for what happens meanwhile
}

void Executor::Thread::end_wait() {
  threads_.driver->wants_on(number_);
  note_begin();
}

void Executor::Threads::start(std::uint32_t thread) {
  {
    const std::lock_guard lock(mutex);
    ++alive;
  }
  try {
    std::thread([self = shared_from_this(), thread] {
      Thread(*self, thread).run();
      self->ended();
    }).detach();
  } catch (...) {
    ended();
    throw;
  }
}

void Executor::Threads::ended() {
  std::shared_ptr<void> client;
  {
    const std::lock_guard lock(mutex);
    if (alive == 1) {
      const std::lock_guard none_uses_it(cluster.mutex);
      client = std::move(cluster.client);
    }
  }
  client.reset();  // before anybody hears that this was the last thread
  const std::lock_guard lock(mutex);
  --alive;
  one_ended.notify_all();
}

Executor::Executor(std::shared_ptr<Driver> driver, std::shared_ptr<InputAssembler> inputs, std::uint32_t threads,
                   WorkerAddress address, std::shared_ptr<BlackBox> black_box)
    : threads_(std::make_shared<Threads>(std::move(driver), std::move(inputs), std::move(black_box))) {
  threads_->cluster.worker = std::move(address.worker);
  threads_->cluster.scheduler = std::move(address.scheduler);
  threads_->cluster.token = std::move(address.token);
  threads_->cluster.channel = std::move(address.channel);
  for (std::uint32_t thread = 0; thread < threads; ++thread) threads_->start(thread);
}

Executor::~Executor() { stop(Clock::now()); }

bool Executor::stop(Clock::time_point deadline) {
  threads_->driver->stop();
  std::unique_lock lock(threads_->mutex);
  return threads_->one_ended.wait_until(lock, deadline, [this] { return threads_->alive == 0; });
}

}  // namespace penstock::worker
