#include "worker/link.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "proto/channel.hpp"
#include "proto/limits.hpp"
#include "worker/local_address.hpp"
#include "worker/log.hpp"

namespace penstock::worker {
namespace {

// For the scheduler to end its side of a session that has said all.
constexpr std::chrono::milliseconds kFarewell{300};

bool is_final(grpc::StatusCode code) {
  return code == grpc::StatusCode::FAILED_PRECONDITION ||
         code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::PERMISSION_DENIED ||
         code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::UNIMPLEMENTED;
}

std::string in_words(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return "what answers there is no Penstock scheduler";
  }
  if (status.ok()) return "the scheduler closed the connection";
  return status.error_message();
}

}  // namespace

std::shared_ptr<grpc::Channel> make_channel(const std::string& address) {
  return proto_channel::connect(address);
}

Link::Link(LinkOptions options, std::shared_ptr<Driver> driver)
    : options_(std::move(options)), driver_(std::move(driver)), next_pause_(options_.first_pause) {}

Link::~Link() {
  cancel();
  if (thread_.joinable()) thread_.join();
}

void Link::start() {
  thread_ = std::thread([this] { run(); });
}

void Link::leave() {
  leaving_ = true;
  bell_->ring();
}

void Link::cancel() {
  cancelled_ = true;
  bell_->ring();
}

std::optional<LinkEnd> Link::wait_until(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  ended_.wait_until(lock, deadline, [this] { return end_.has_value(); });
  return end_;
}

void Link::run() {
  std::optional<LinkEnd> end;
  while (!end) {
    const grpc::Status status = converse();
    end = judge(status);
    if (!end) pause();
    if (!end && cancelled_) end = LinkEnd{LinkEnd::Reason::kCancelled, ""};
    if (!end && leaving_) end = LinkEnd{left_because_, ""};
  }
  const std::lock_guard lock(mutex_);
  end_ = std::move(end);
  ended_.notify_all();
}

// Tried again with each session: the name of the scheduler may not be known yet, as the scheduler itself.
void Link::serve_values() {
  if (value_server_ || !driver_->values()->keeps_values()) return;
  const auto host = local_address_towards(options_.channel ? "" : options_.scheduler);
  if (!host.ok()) return;  // nor can it connect, and says so
  auto server = ValueServer::start(driver_->values(), *host, options_.identity.token);
  if (server.ok()) {
    value_server_ = *std::move(server);
  } else if (!std::exchange(regretted_, true)) {
    log().warn("large results travel through the scheduler, as nobody could read them here: {}",
               std::string(server.status().message()));
  }
}

// One session, from hello to its end.
grpc::Status Link::converse() {
  serve_values();
  welcomed_ = false;
  farewell_until_.reset();
  reason_.clear();
  Identity identity = options_.identity;
  if (value_server_) identity.values_address = value_server_->address();
  const auto session =
      std::make_shared<Session>(channel(), std::move(identity), options_.bind, driver_, bell_);
  session->start();
  while (!session->status()) attend(*session);
  driver_->disconnected();
  return *session->status();
}

// Does what is due and waits for the next thing to be due.
void Link::attend(Session& session) {
  const std::optional<Session::Terms> terms = session.terms();
  if (terms && !welcomed_) greet(*terms);
  if (session.told_to_retire()) leave_because(LinkEnd::Reason::kRetired);
  const Clock::time_point next_check = driver_->check_time(Clock::now());
  if (driver_->has_lost_a_thread()) stuck();
  if (session.finished() && !farewell_until_) farewell_until_ = Clock::now() + kFarewell;

  if (std::string reason = reason_to_end(session, terms); !reason.empty()) {
    if (reason_.empty()) reason_ = std::move(reason);
    session.cancel();
    return bell_->wait_until(Clock::now() + kFarewell);
  }
  Clock::time_point next = session.heard() + (terms ? terms->silence : options_.welcome_timeout);
  if (terms) {
    heartbeat(terms->heartbeat);
    next = std::min(next, next_heartbeat_);
  }
  if (farewell_until_) next = std::min(next, *farewell_until_);
  next = std::min(next, next_check);
  if (flush(session)) next = std::min(next, Clock::now() + proto_limits::kLongestHold);
  bell_->wait_until(next);
}

void Link::greet(const Session::Terms& terms) {
  welcomed_ = true;
  next_heartbeat_ = Clock::now();
  if (terms.protocol != proto_limits::kProtocolVersion) {
    mismatch_ = fmt::format("the scheduler speaks protocol {}, this worker {}", terms.protocol,
                            proto_limits::kProtocolVersion);
    return;
  }
  complained_ = false;
  duplicate_since_.reset();
  next_pause_ = options_.first_pause;
  log().info("connected to the scheduler at {} as {} with {} thread{}", options_.scheduler,
             options_.identity.name, options_.identity.threads,
             options_.identity.threads == 1 ? "" : "s");
}

// Where somebody starts another process this one goes; else it goes when it can run nothing any more.
void Link::stuck() {
  if (options_.identity.supervised || driver_->has_lost_all_threads()) return leave_because(LinkEnd::Reason::kStuck);
  if (std::exchange(said_stuck_, true)) return;
  log().warn("a task goes on although it was told to stop: {} has a thread less until it returns",
             options_.identity.name);
}

// Once.
void Link::leave_because(LinkEnd::Reason reason) {
  if (leaving_.exchange(true)) return;
  left_because_ = reason;
  if (reason == LinkEnd::Reason::kRetired) {
    log().info("{} was told to leave for good: finishing what runs", options_.identity.name);
  } else {
    log().warn("a task goes on although it was told to stop: {} leaves when its other tasks are done{}",
               options_.identity.name, options_.identity.supervised ? ", to be started again" : "");
  }
  driver_->leave();
}

void Link::heartbeat(std::chrono::milliseconds interval) {
  const Clock::time_point now = Clock::now();
  if (now < next_heartbeat_) return;
  driver_->report(Usage{resident_bytes(getpid()), cpu_.sample()});
  next_heartbeat_ = now + interval;
}

// True: outcomes may be waiting, look again after proto_limits::kLongestHold. The flag stays set while the worker is
// busy, so that its threads need not ring for each batch.
bool Link::flush(Session& session) {
  if (!session.reminded() || !driver_->flush()) return false;
  session.keep_reminding();
  return true;
}

std::string Link::reason_to_end(const Session& session,
                                const std::optional<Session::Terms>& terms) {
  const Clock::time_point now = Clock::now();
  if (!mismatch_.empty()) return mismatch_;
  if (cancelled_) return "this worker is stopping";
  if (leaving_ && !terms) return "this worker is leaving";
  if (farewell_until_ && *farewell_until_ <= now) return "this worker has left";
  if (session.told_to_leave()) return "the scheduler is stopping";
  if (!terms && session.heard() + options_.welcome_timeout <= now) {
    return "the scheduler does not answer";
  }
  if (terms && session.heard() + terms->silence <= now) {
    return fmt::format("the scheduler has been silent for {} ms", terms->silence.count());
  }
  return "";
}

// What the end of a session means. Null: try again.
std::optional<LinkEnd> Link::judge(const grpc::Status& status) {
  using Reason = LinkEnd::Reason;
  if (cancelled_) return LinkEnd{Reason::kCancelled, ""};
  if (leaving_) return LinkEnd{left_because_, ""};
  const bool duplicate = status.error_code() == grpc::StatusCode::ALREADY_EXISTS;
  if (!duplicate) duplicate_since_.reset();
  if (!mismatch_.empty()) return LinkEnd{Reason::kRefused, mismatch_};
  if (is_final(status.error_code()) || (duplicate && !is_patient_with_duplicate())) {
    return LinkEnd{Reason::kRefused, in_words(status)};
  }
  complain(status);
  return std::nullopt;
}

bool Link::is_patient_with_duplicate() {
  const Clock::time_point now = Clock::now();
  if (!duplicate_since_) duplicate_since_ = now;
  return now - *duplicate_since_ < options_.duplicate_name_patience;
}

// Once for each loss: a scheduler that is away for an hour makes one line.
void Link::complain(const grpc::Status& status) {
  if (complained_) return;
  complained_ = true;
  const std::string why = reason_.empty() ? in_words(status) : reason_;
  if (welcomed_) {
    log().warn("lost the scheduler at {}: {}. Connecting again until it is back",
               options_.scheduler, why);
  } else {
    log().warn("cannot connect to the scheduler at {}: {}. Trying again until it answers",
               options_.scheduler, why);
  }
}

void Link::pause() {
  // Half of it is random: workers that lost the same scheduler should not all come back at once.
  std::uniform_int_distribution<std::int64_t> jitter(next_pause_.count() / 2, next_pause_.count());
  const Clock::time_point until = Clock::now() + std::chrono::milliseconds(jitter(random_));
  next_pause_ = std::min(next_pause_ * 2, options_.longest_pause);
  while (Clock::now() < until && !cancelled_ && !leaving_) bell_->wait_until(until);
}

std::shared_ptr<grpc::Channel> Link::channel() const {
  return options_.channel ? options_.channel : make_channel(options_.scheduler);
}

}  // namespace penstock::worker
