#include "worker/program_host.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <grpcpp/grpcpp.h>
#include <spdlog/fmt/fmt.h>

#include <penstock/detail/module.hpp>

#include "cluster.grpc.pb.h"
#include "proto/limits.hpp"
#include "proto/sha256.hpp"
#include "proto/token.hpp"
#include "worker/link.hpp"
#include "worker/log.hpp"
#include "worker/program_file.hpp"

namespace penstock::worker {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kFirstPause{100};
constexpr Milliseconds kBetweenReads{500};
// The scheduler answers a report with its next heartbeat.
constexpr Milliseconds kReportTimeout{10'000};
// And a second for each megabyte.
constexpr Milliseconds kReadTimeout{10'000};

bool is_final(grpc::StatusCode code) {
  return code == grpc::StatusCode::FAILED_PRECONDITION || code == grpc::StatusCode::UNAUTHENTICATED ||
         code == grpc::StatusCode::UNIMPLEMENTED;
}

// What the scheduler will not send, or not now: it is asked again for as long as the program is wanted.
bool may_come_later(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsNotFound(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status);
}

std::uint64_t random_number() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

struct ProgramHost::Program {
  v1::ProgramOffer offer;
  // With the lock:
  bool running = false;
  std::string failure;
  // The performer's own:
  std::optional<ProgramFile> file;
  std::vector<std::unique_ptr<Supervisor>> supervisors;
};

ProgramHost::ProgramHost(ProgramHostOptions options) : options_(std::move(options)), instance_(random_number()) {}

ProgramHost::~ProgramHost() {
  request_stop();
  if (reporter_.joinable()) reporter_.join();
  if (performer_.joinable()) performer_.join();
}

void ProgramHost::start() {
  reporter_ = std::thread([this] { report(); });
  performer_ = std::thread([this] { perform(); });
}

void ProgramHost::request_stop(bool at_once) {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  at_once_ = at_once_ || at_once;
  if (reporting_ != nullptr) reporting_->TryCancel();
  if (reading_ != nullptr) reading_->TryCancel();
  changed_.notify_all();
}

bool ProgramHost::has_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::string ProgramHost::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

void ProgramHost::pause(std::unique_lock<std::mutex>& lock, Milliseconds time) {
  changed_.wait_for(lock, time, [this] { return stopping_; });
}

// ---- the thread that reports --------------------------------------------------------------------

void ProgramHost::report() {
  Milliseconds next_pause = kFirstPause;
  std::unique_ptr<v1::Cluster::Stub> stub;
  bool complained = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    v1::HostReport report;
    fill(report);
    v1::HostOrders orders;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kReportTimeout);
    if (!options_.worker.token.empty()) context.AddMetadata(proto_token::kMetadataKey, options_.worker.token);
    reporting_ = &context;
    lock.unlock();
    // On a new channel after a failure: an older one would remember that the scheduler was gone, and not even try.
    if (!stub) stub = v1::Cluster::NewStub(make_channel(options_.worker.scheduler));
    const grpc::Status status = stub->HostPrograms(&context, report, &orders);
    lock.lock();
    reporting_ = nullptr;
    if (stopping_) break;
    if (status.ok()) {
      if (std::exchange(complained, false)) log().info("{} reports to the scheduler again", options_.worker.name);
      next_pause = kFirstPause;
      obey(orders);
      continue;
    }
    stub.reset();
    if (is_final(status.error_code())) {
      refusal_ = status.error_code() == grpc::StatusCode::UNIMPLEMENTED ? "it takes no programs" : status.error_message();
      log().error("the scheduler at {} refused this host of programs: {}", options_.worker.scheduler, refusal_);
      stopping_ = true;
      changed_.notify_all();
      break;
    }
    if (!std::exchange(complained, true)) {
      log().warn("{} cannot report to the scheduler at {}: {}. Trying again until it answers", options_.worker.name,
                 options_.worker.scheduler, status.error_message());
    }
    pause(lock, next_pause);
    next_pause = std::min(next_pause * 2, options_.longest_pause);
  }
}

void ProgramHost::fill(v1::HostReport& report) {
  report.set_protocol(proto_limits::kProtocolVersion);
  report.set_name(options_.worker.name);
  report.set_instance(instance_);
  report.set_max_programs(options_.max_programs);
  for (const auto& [sha256, program] : programs_) {
    auto& hosted = *report.add_programs();
    *hosted.mutable_program() = program->offer;
    hosted.set_running(program->running);
    hosted.set_failure(program->failure);
  }
}

// Only notes it, so that the next report is in keeping with the orders.
void ProgramHost::obey(const v1::HostOrders& orders) {
  Programs ordered;
  for (const v1::ProgramOffer& offer : orders.programs()) {
    const auto found = programs_.find(offer.sha256());
    if (found != programs_.end()) {
      ordered.insert(*found);
      continue;
    }
    auto program = std::make_shared<Program>();
    program->offer = offer;
    if (ordered.size() >= options_.max_programs) program->failure = "it runs as many programs as it may";
    ordered.emplace(offer.sha256(), std::move(program));
  }
  for (auto& [sha256, program] : programs_) {
    if (ordered.contains(sha256)) continue;
    if (reading_ != nullptr && read_ == program) reading_->TryCancel();
    unwanted_.push_back(program);
  }
  programs_ = std::move(ordered);
  changed_.notify_all();
}

// ---- the thread that acts -----------------------------------------------------------------------

void ProgramHost::perform() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!do_next(lock)) changed_.wait(lock);
  }
  for (auto& [sha256, program] : std::exchange(programs_, {})) unwanted_.push_back(program);
  for (const ProgramPtr& program : unwanted_) {
    for (auto& supervisor : program->supervisors) supervisor->request_stop(at_once_);
  }
  for (const ProgramPtr& program : std::exchange(unwanted_, {})) end(*program, lock);
  ended_ = true;
  lock.unlock();
  if (options_.on_end) options_.on_end();
}

// False: there is nothing to do.
bool ProgramHost::do_next(std::unique_lock<std::mutex>& lock) {
  if (!unwanted_.empty()) {
    const ProgramPtr program = unwanted_.back();
    unwanted_.pop_back();
    log().info("program {} ends", program->offer.name());
    end(*program, lock);
    return true;
  }
  if (std::exchange(look_, false)) {
    for (auto& [sha256, program] : programs_) look_after(*program);
    return true;
  }
  for (auto& [sha256, each] : programs_) {
    if (each->running || !each->failure.empty()) continue;
    const ProgramPtr program = each;  // the map may change meanwhile
    read_ = program;
    lock.unlock();
    const absl::Status status = bring(*program);
    lock.lock();
    read_.reset();
    if (status.ok()) {
      program->running = true;
    } else if (!may_come_later(status)) {
      log().warn("cannot run program {}: {}", program->offer.name(), std::string(status.message()));
      program->failure = std::string(status.message());
    } else {
      pause(lock, kBetweenReads);
    }
    return true;
  }
  return false;
}

absl::Status ProgramHost::bring(Program& program) {
  auto file = ProgramFile::create(program.offer.name());
  if (!file.ok()) return file.status();
  program.file.emplace(*std::move(file));
  if (absl::Status status = read(program); !status.ok()) return status;
  if (absl::Status status = program.file->seal(); !status.ok()) return status;
  start(program);
  return absl::OkStatus();
}

absl::Status ProgramHost::read(Program& program) {
  const auto stub = v1::Cluster::NewStub(make_channel(options_.worker.scheduler));
  grpc::ClientContext context;
  // A scheduler whose machine is gone says nothing, not even that.
  context.set_deadline(std::chrono::system_clock::now() + kReadTimeout +
                       std::chrono::microseconds(program.offer.size()));
  if (!options_.worker.token.empty()) context.AddMetadata(proto_token::kMetadataKey, options_.worker.token);
  {
    const std::lock_guard lock(mutex_);
    const auto wanted = programs_.find(program.offer.sha256());
    if (stopping_ || wanted == programs_.end() || wanted->second.get() != &program) return absl::CancelledError("");
    reading_ = &context;
  }
  v1::ProgramName name;
  name.set_sha256(program.offer.sha256());
  const auto reader = stub->ReadProgram(&context, name);
  v1::ProgramPiece piece;
  proto_sha256::Sha256 sum;
  std::uint64_t size = 0;
  absl::Status kept;
  while (kept.ok() && reader->Read(&piece)) {
    size += piece.bytes().size();
    if (size > program.offer.size()) break;
    sum.add(piece.bytes());
    kept = program.file->append(piece.bytes());
  }
  const bool is_other = kept.ok() && size > program.offer.size();
  if (!kept.ok() || is_other) context.TryCancel();
  const grpc::Status status = reader->Finish();
  {
    const std::lock_guard lock(mutex_);
    reading_ = nullptr;
  }
  if (!kept.ok()) return kept;
  if (!status.ok() && !is_other) {
    return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
  }
  // Whoever passed it on: only what the client named is executed.
  if (is_other || size != program.offer.size() || sum.finish() != program.offer.sha256()) {
    return absl::DataLossError("what came is not the program of this SHA-256");
  }
  return absl::OkStatus();
}

void ProgramHost::start(Program& program) {
  const std::string digits = detail::to_hex(program.offer.sha256());
  log().warn("running program {} of a client, SHA-256 {}", program.offer.name(), digits);
  for (unsigned number = 1; number <= options_.workers; ++number) {
    SupervisorOptions worker = options_.worker;
    worker.program = program.file->path();
    worker.title = program.offer.name();
    // One of each program, and the one that was started here, have what they announce together.
    worker.resource_group = worker.name;
    worker.name += "/" + digits.substr(0, 8);
    if (options_.workers > 1) {
      worker.name += "-" + std::to_string(number);
      worker.resource_group += "-" + std::to_string(number);
    }
    worker.init_timeout = options_.init_timeout;
    worker.on_end = [this] {
      const std::lock_guard lock(mutex_);
      look_ = true;
      changed_.notify_all();
    };
    program.supervisors.push_back(std::make_unique<Supervisor>(std::move(worker)));
    program.supervisors.back()->start();
  }
}

// With the lock held. One of its workers that ends for good is the end of all.
void ProgramHost::look_after(Program& program) {
  if (!program.running || !program.failure.empty()) return;
  for (const auto& supervisor : program.supervisors) {
    const std::optional<SupervisorEnd> end = supervisor->wait_for(Milliseconds(0));
    if (!end) continue;
    program.failure = end->reason == SupervisorEnd::Reason::kStopped ? "it was told to leave for good" : end->text;
    program.running = false;
    return;
  }
}

void ProgramHost::end(Program& program, std::unique_lock<std::mutex>& lock) {
  for (auto& supervisor : program.supervisors) supervisor->request_stop(at_once_);
  bool told = at_once_;
  for (auto& supervisor : program.supervisors) {
    while (true) {
      lock.unlock();
      const bool ended = supervisor->wait_for(Milliseconds(50)).has_value();
      lock.lock();
      if (ended) break;
      if (at_once_ && !std::exchange(told, true)) {
        for (auto& each : program.supervisors) each->request_stop(true);
      }
    }
  }
  auto supervisors = std::exchange(program.supervisors, {});
  lock.unlock();
  supervisors.clear();  // their threads may be about to take the lock
  lock.lock();
}

}  // namespace penstock::worker
