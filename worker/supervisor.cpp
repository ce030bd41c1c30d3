#include "worker/supervisor.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <grpcpp/grpcpp.h>
#include <spdlog/fmt/fmt.h>

#include <penstock/detail/check.hpp>

#include "cluster.grpc.pb.h"
#include "proto/token.hpp"
#include "worker/black_box.hpp"
#include "worker/child_process.hpp"
#include "worker/environment.hpp"
#include "worker/line_tail.hpp"
#include "worker/link.hpp"
#include "worker/log.hpp"
#include "worker/process.hpp"
#include "worker/process_stat.hpp"
#include "worker/worker_parts.hpp"

namespace penstock::worker {
namespace {

// For children whose values are large: half of the time of a copy, and more, goes into pages that are touched for
// the first time. So the allocator asks for huge ones, and keeps up to 64 MiB for each thread instead of giving
// them back after each task.
constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kForLargeValues =
    "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=67108864:glibc.malloc.mmap_threshold=16777216";

// Looks at memory this often; without pidfds, at the child's life too, but more often.
constexpr std::chrono::milliseconds kTick{1000};
constexpr std::chrono::milliseconds kTickWithoutPidfd{20};

// The child's own grace ends before ours, so that it can say good-bye.
constexpr std::chrono::milliseconds kChildMargin{200};

constexpr double kMemoryTolerance = 1.2;

void forward_line(const std::string& name, std::string_view line) {
  const std::string text = fmt::format("[{}] {}\n", name, line);
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

// The child that lives at the moment, and what is known of it.
struct Supervisor::Life {
  Life(ChildProcess spawned, BlackBox& recorder, const std::string& name)
      : process(std::move(spawned)),
        black_box(recorder),
        log_tail([name](std::string_view line) { forward_line(name, line); }) {}

  ChildProcess process;
  BlackBox& black_box;
  LineTail log_tail;
  Clock::time_point born = Clock::now();
  Clock::time_point next_memory_check = born + kTick;
  std::optional<Clock::time_point> kill_at;  // after SIGTERM
  bool log_ended = false;
  std::optional<Death> death;
  std::chrono::milliseconds lived{0};
};

// Tells the scheduler how a child ended. Best effort.
class Supervisor::Reporter {
 public:
  Reporter(std::string scheduler, std::string token)
      : scheduler_(std::move(scheduler)), token_(std::move(token)) {}

  // On a channel of its own: an older one would remember that the scheduler was gone, and not even try.
  void report(const v1::WorkerExit& exit, std::chrono::milliseconds timeout) {
    const auto stub = v1::Cluster::NewStub(make_channel(scheduler_));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    if (!token_.empty()) context.AddMetadata(proto_token::kMetadataKey, token_);
    v1::WorkerExitAck ack;
    const grpc::Status status = stub->ReportExit(&context, exit, &ack);
    if (!status.ok()) {
      log().warn("could not tell the scheduler how {} ended: {}", exit.worker(),
                 status.error_message());
    }
  }

 private:
  const std::string scheduler_;
  const std::string token_;
};

Supervisor::Supervisor(SupervisorOptions options)
    : options_(std::move(options)),
      stop_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      next_pause_(options_.first_pause) {
  PENSTOCK_CHECK(stop_fd_ >= 0);
  if (options_.name.empty()) options_.name = default_worker_name();
  options_.token = proto_token::given_or_from_environment(std::move(options_.token));
}

Supervisor::~Supervisor() {
  request_stop();
  if (thread_.joinable()) thread_.join();
  close(stop_fd_);
}

void Supervisor::start() {
  thread_ = std::thread([this] { run(); });
}

void Supervisor::request_stop(bool at_once) {
  if (at_once) at_once_ = true;
  stop_requested_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
}

SupervisorEnd Supervisor::stop() {
  request_stop();
  return wait();
}

SupervisorEnd Supervisor::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return end_.has_value(); });
  return *end_;
}

std::optional<SupervisorEnd> Supervisor::wait_for(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, timeout, [this] { return end_.has_value(); });
  return end_;
}

void Supervisor::run() {
  reporter_ = std::make_unique<Reporter>(options_.scheduler, options_.token);
  std::optional<SupervisorEnd> end;
  while (!end) {
    if (stopping()) {
      end = SupervisorEnd{SupervisorEnd::Reason::kStopped, ""};
    } else {
      end = supervise_one();
    }
  }
  if (end->reason != SupervisorEnd::Reason::kStopped) log().error("{}", end->text);
  {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
    ended_.notify_all();
  }
  if (options_.on_end) options_.on_end();
}

// One child, from its start to the pause after its death.
std::optional<SupervisorEnd> Supervisor::supervise_one() {
  using Reason = SupervisorEnd::Reason;
  auto black_box = BlackBox::create();
  if (!black_box.ok()) {
    return SupervisorEnd{Reason::kCannotStart, std::string(black_box.status().message())};
  }
  Environment environment{.scheduler = options_.scheduler,
                          .name = options_.name,
                          .threads = options_.threads,
                          .memory_limit = options_.memory_limit,
                          .resources = options_.resources,
                          .resource_group = options_.resource_group.empty() ? options_.name : options_.resource_group,
                          .max_value_bytes = options_.max_value_bytes,
                          .load = options_.load,
                          .grace = std::max(options_.grace - kChildMargin, kChildMargin),
                          .black_box_fd = (*black_box)->fd(),
                          .supervisor = getpid()};
  Variables variables = to_variables(environment);
  if (!options_.token.empty()) variables.emplace_back(proto_token::kEnvironment, options_.token);
  if (std::getenv(kTunables) == nullptr) variables.emplace_back(kTunables, kForLargeValues);
  auto child = ChildProcess::spawn({.program = options_.program,
                                    .title = options_.title,
                                    .args = options_.args,
                                    .variables = std::move(variables),
                                    .inherited_fd = (*black_box)->fd()});
  if (!child.ok()) {
    return SupervisorEnd{Reason::kCannotStart, std::string(child.status().message())};
  }
  Life life(*std::move(child), **black_box, options_.name);
  child_ = life.process.pid();
  ++starts_;
  log().info("started {} as process {}", options_.name, life.process.pid());
  watch(life);
  child_ = 0;
  const int code = life.death->exit_code;
  if (!stopping() && code != kExitRetired && code != kExitStuck) bury(life);
  std::optional<SupervisorEnd> end = judge(life);
  if (!end) pause(life.lived);
  return end;
}

// Until the child is dead and its last words are read.
void Supervisor::watch(Life& life) {
  while (true) {
    const auto tick = life.process.pidfd() >= 0 ? kTick : kTickWithoutPidfd;
    Clock::time_point next = std::min(life.next_memory_check, Clock::now() + tick);
    if (life.kill_at) next = std::min(next, *life.kill_at);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    std::array<pollfd, 3> wanted{{{life.process.pidfd(), POLLIN, 0},
                                  {life.log_ended ? -1 : life.process.stderr_fd(), POLLIN, 0},
                                  {stop_fd_, POLLIN, 0}}};
    poll(wanted.data(), wanted.size(), static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
    life.death = life.process.try_wait();
    listen(life);
    if (life.death) break;
    obey(life);
    check_memory(life);
    check_init(life);
  }
  life.log_tail.finish();
  life.lived = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - life.born);
}

// Takes what the child has written so far. Its end is not waited for: a process that the child
// started may hold the pipe for ever.
void Supervisor::listen(Life& life) {
  std::array<char, 16 * 1024> buffer;
  constexpr int kMaxReads = 64;  // a child that writes without end must not keep us here
  for (int reads = 0; !life.log_ended && reads < kMaxReads; ++reads) {
    const ssize_t size = read(life.process.stderr_fd(), buffer.data(), buffer.size());
    if (size > 0) {
      life.log_tail.feed({buffer.data(), static_cast<std::size_t>(size)});
    } else if (size == 0) {
      life.log_ended = true;
    } else if (errno != EINTR) {
      return;
    }
  }
}

void Supervisor::obey(Life& life) {
  if (!stopping()) return;
  std::uint64_t requests = 0;  // taken out, or the poll would not sleep until the child is dead
  [[maybe_unused]] const ssize_t taken = read(stop_fd_, &requests, sizeof requests);
  const Clock::time_point now = Clock::now();
  if (!life.kill_at) {
    life.kill_at = now + options_.grace;
    life.process.send(SIGTERM);
  }
  if (!at_once_ && now < *life.kill_at) return;
  if (!at_once_) log().warn("{} does not stop in time and is killed", options_.name);
  life.process.kill_group();
  life.kill_at = now + kTick;
}

void Supervisor::check_memory(Life& life) {
  const Clock::time_point now = Clock::now();
  if (now < life.next_memory_check) return;
  life.next_memory_check = now + kTick;
  if (options_.memory_limit == 0) return;
  const std::uint64_t used = resident_bytes(life.process.pid());
  if (static_cast<double>(used) <= static_cast<double>(options_.memory_limit) * kMemoryTolerance) {
    return;
  }
  const std::string text =
      fmt::format("{} uses {} MiB, far over its limit of {} MiB: it is killed and started again",
                  options_.name, used >> 20, options_.memory_limit >> 20);
  log().warn("{}", text);
  life.log_tail.feed(text + "\n");
  life.process.kill_group();
}

bool Supervisor::is_no_worker(const Life& life) const {
  return options_.init_timeout.count() > 0 && !life.black_box.opened();
}

void Supervisor::check_init(Life& life) {
  if (is_no_worker(life) && Clock::now() > life.born + options_.init_timeout) life.process.kill_group();
}

void Supervisor::bury(const Life& life) {
  const Death& death = *life.death;
  const std::vector<TaskId> running = life.black_box.running();
  log().warn("worker {} died: {}{}", options_.name, death.in_words(),
             running.empty() ? "" : fmt::format(", tasks running: {}", running.size()));
  v1::WorkerExit exit;
  exit.set_worker(options_.name);
  exit.set_exit_code(death.exit_code);
  exit.set_signal(death.signal);
  for (const TaskId task : running) exit.add_running(static_cast<std::uint64_t>(task));
  exit.set_last_lines(life.log_tail.last_lines());
  reporter_->report(exit, options_.report_timeout);
}

std::string Supervisor::no_worker_text(const Life& life) const {
  const std::string last_lines = life.log_tail.last_lines();
  const std::string words = last_lines.empty() ? "" : fmt::format("; its last lines:\n{}", last_lines);
  const std::string& program = program_name();
  if (life.lived >= options_.init_timeout) {
    return fmt::format("{} did not call penstock::init() in {} ms: is that the first thing in its main()?{}", program,
                       options_.init_timeout.count(), words);
  }
  return fmt::format("{} ended before it called penstock::init(), with {}{}", program, life.death->in_words(), words);
}

// Null: start another.
std::optional<SupervisorEnd> Supervisor::judge(const Life& life) {
  using Reason = SupervisorEnd::Reason;
  if (stopping()) return SupervisorEnd{Reason::kStopped, ""};
  const Death& death = *life.death;
  if (is_no_worker(life)) return SupervisorEnd{Reason::kGaveUp, no_worker_text(life)};
  if (death.exit_code == kExitRetired) return SupervisorEnd{Reason::kStopped, ""};
  if (death.exit_code == kExitRefused) {
    const std::string last_lines = options_.init_timeout.count() > 0 ? "\n" + life.log_tail.last_lines() : "";
    return SupervisorEnd{
        Reason::kRefused,
        fmt::format("{} cannot serve, see above: not starting it again{}", options_.name, last_lines)};
  }
  const bool quick = death.signal == 0 && death.exit_code != kExitStuck && life.lived < options_.quick_exit;
  quick_exits_ = quick ? quick_exits_ + 1 : 0;
  if (quick_exits_ < options_.max_quick_exits) return std::nullopt;
  return SupervisorEnd{
      Reason::kGaveUp,
      fmt::format("{} exits as soon as it is started ({} times in a row, last with {}): giving up. "
                  "Is penstock::init() the first thing in its main()?",
                  program_name(), quick_exits_, death.in_words())};
}

void Supervisor::pause(std::chrono::milliseconds lived) {
  if (lived >= options_.long_life) next_pause_ = options_.first_pause;
  pollfd wanted{stop_fd_, POLLIN, 0};
  poll(&wanted, 1, static_cast<int>(next_pause_.count()));
  next_pause_ = std::min(next_pause_ * 2, options_.longest_pause);
}

}  // namespace penstock::worker
