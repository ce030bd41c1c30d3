#include <penstock/worker.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <utility>

#include "penstock/detail/shared_values.hpp"
#include "penstock/error.hpp"
#include "proto/token.hpp"
#include "worker/driver.hpp"
#include "worker/executor.hpp"
#include "worker/input_assembler.hpp"
#include "worker/link.hpp"
#include "worker/process_stat.hpp"
#include "worker/value_store.hpp"
#include "worker/worker_parts.hpp"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

WorkerOptions completed(WorkerOptions options) {
  if (options.name.empty()) options.name = worker::default_worker_name();
  if (options.threads == 0) options.threads = std::max(1u, std::thread::hardware_concurrency());
  options.threads = std::min<unsigned>(options.threads, worker::BlackBox::kMaxThreads);
  options.token = proto_token::given_or_from_environment(options.token);
  if (!options.max_value_bytes) options.max_value_bytes = worker::default_value_bytes(options.memory_limit, 1);
  return options;
}

// Half of the descriptors are left to connections and to the users' functions.
worker::ValueStoreLimits value_limits(const WorkerOptions& options) {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  return {*options.max_value_bytes, static_cast<std::size_t>(descriptors.rlim_cur / 2)};
}

proto_resources::Resources resources_of(const WorkerOptions& options) {
  auto resources = proto_resources::parse(options.resources);
  if (!resources.ok()) throw Error(std::string(resources.status().message()));
  if (options.memory_limit > 0) {
    resources->emplace("memory", static_cast<std::int64_t>(options.memory_limit * 1000));
  }
  return *std::move(resources);
}

worker::LinkOptions link_options(const WorkerOptions& options, worker::WorkerParts& parts) {
  worker::LinkOptions link;
  link.scheduler = options.scheduler;
  link.channel = std::move(parts.channel);
  link.identity = {options.name, options.threads, options.memory_limit, options.supervised,
                   options.token, resources_of(options), options.resource_group};
  link.bind = std::move(parts.bind);
  return link;
}

WorkerEnd public_end(worker::LinkEnd end) {
  using Reason = worker::LinkEnd::Reason;
  switch (end.reason) {
    case Reason::kRefused: return {WorkerEnd::Reason::kRefused, std::move(end.text)};
    case Reason::kRetired: return {WorkerEnd::Reason::kRetired, std::move(end.text)};
    case Reason::kStuck: return {WorkerEnd::Reason::kStuck, std::move(end.text)};
    case Reason::kLeft:
    case Reason::kCancelled: break;
  }
  return {WorkerEnd::Reason::kStopped, std::move(end.text)};
}

}  // namespace

std::string worker::default_worker_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::string(host[0] != '\0' ? host.data() : "worker") + "-" + std::to_string(getpid());
}

struct Worker::State {
  State(WorkerOptions completed_options, worker::WorkerParts parts)
      : options(std::move(completed_options)),
        driver(std::make_shared<worker::Driver>(
            worker::CoreOptions{options.threads, options.threads * worker::kMaxQueuedPerThread},
            std::make_shared<worker::ValueStore>(value_limits(options)))),
        channel(parts.channel),
        black_box(std::move(parts.black_box)),
        link(link_options(options, parts), driver) {}

  const WorkerOptions options;
  const std::shared_ptr<worker::Driver> driver;
  const std::shared_ptr<grpc::Channel> channel;  // of a scheduler in this process
  const std::shared_ptr<worker::BlackBox> black_box;
  worker::Link link;
  std::mutex mutex;  // of the executor's pointer
  std::unique_ptr<worker::Executor> executor;
};

Worker::Worker(WorkerOptions options) : Worker(std::move(options), worker::WorkerParts{}) {}

Worker::Worker(WorkerOptions options, worker::WorkerParts parts)
    : state_(std::make_unique<State>(completed(std::move(options)), std::move(parts))) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  const std::lock_guard lock(state_->mutex);
  if (state_->executor) return;
  const WorkerOptions& options = state_->options;
  if (*options.max_value_bytes > 0) detail::limit_shared_values(*options.max_value_bytes);
  auto inputs = std::make_shared<worker::InputAssembler>(options.name, state_->driver->values(), options.token);
  state_->executor = std::make_unique<worker::Executor>(
      state_->driver, std::move(inputs), options.threads,
      worker::WorkerAddress{options.name, options.scheduler, options.token, state_->channel}, state_->black_box);
  state_->link.start();
}

void Worker::leave() {
  state_->link.leave();  // first: the end of the connection is expected from here on
  state_->driver->leave();
}

bool Worker::stop(std::chrono::milliseconds grace) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->executor) return true;
  const Clock::time_point deadline = Clock::now() + grace;
  leave();
  if (!state_->link.wait_until(deadline)) {
    state_->link.cancel();
    wait();
  }
  return state_->executor->stop(deadline);
}

WorkerEnd Worker::wait() {
  while (true) {
    if (auto end = wait_for(std::chrono::hours(1))) return *std::move(end);
  }
}

std::optional<WorkerEnd> Worker::wait_for(std::chrono::milliseconds timeout) {
  auto end = state_->link.wait_until(Clock::now() + timeout);
  if (!end) return std::nullopt;
  return public_end(*std::move(end));
}

const std::string& Worker::name() const { return state_->options.name; }

unsigned Worker::threads() const { return state_->options.threads; }

}  // namespace penstock
