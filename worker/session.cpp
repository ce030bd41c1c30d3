#include "worker/session.hpp"

#include <utility>

#include "proto/channel.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"

namespace penstock::worker {

void Bell::ring() {
  const std::lock_guard lock(mutex_);
  pending_ = true;
  rung_.notify_one();
}

void Bell::wait_until(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  rung_.wait_until(lock, time, [this] { return pending_; });
  pending_ = false;
}

Session::Session(std::shared_ptr<grpc::Channel> channel, Identity identity, Binder bind,
                 std::shared_ptr<Driver> driver, std::shared_ptr<Bell> bell)
    : channel_(std::move(channel)),
      stub_(channel_),
      identity_(std::move(identity)),
      bind_(std::move(bind)),
      driver_(std::move(driver)),
      bell_(std::move(bell)),
      heard_(Clock::now().time_since_epoch().count()) {}

void Session::start() {
  if (!identity_.token.empty()) context_.AddMetadata(proto_token::kMetadataKey, identity_.token);
  wire::encode_hello(identity_, batch_);
  written_ = proto_frame::encode(batch_);
  stub_.PrepareBidiStreamingCall(&context_, proto_channel::kWorkerSession, {}, this);
  AddHold();  // executor threads start writes outside of gRPC's callbacks
  StartWrite(&written_);
  StartRead(&read_);
  StartCall();
}

void Session::cancel() { context_.TryCancel(); }

std::optional<Session::Terms> Session::terms() const {
  const std::lock_guard lock(mutex_);
  return terms_;
}

std::optional<grpc::Status> Session::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Session::Clock::time_point Session::heard() const {
  return Clock::time_point(Clock::duration(heard_.load(std::memory_order_relaxed)));
}

void Session::pump() {
  // Closed is asked before taking: a batch belongs to the session in which it was made.
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  outbound_.clear();
  switch (driver_->take(outbound_, proto_limits::kBatchBytes)) {
    case Take::kBatch:
      wire::encode(outbound_, identity_, batch_);
      written_ = proto_frame::encode(batch_);
      StartWrite(&written_);
      break;
    case Take::kNothing:
      break;
    case Take::kFinished:
      StartWritesDone();
      finished_ = true;
      bell_->ring();
      break;
  }
}

void Session::remind() {
  if (!reminded_.exchange(true)) bell_->ring();
}

void Session::OnWriteDone(bool ok) {
  if (!ok) return;  // the read fails too, and closes
  if (!hello_sent_.exchange(true)) {
    able_to_write();
  } else {
    pump();
  }
}

void Session::OnReadDone(bool ok) {
  if (!ok) return close();
  heard_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  if (!proto_frame::decode(read_, inbox_)) {
    context_.TryCancel();
    return close();
  }
  read_.Clear();
  if (inbox_.batch.has_welcome()) welcome(inbox_.batch.welcome());
  wire::decode(inbox_, bind_, inbound_);
  driver_->arrived(inbound_);
  if (inbox_.batch.leave()) {
    told_to_leave_ = true;
    bell_->ring();
  }
  if (inbox_.batch.retire()) {
    told_to_retire_ = true;
    bell_->ring();
  }
  StartRead(&read_);
}

void Session::welcome(const v1::Welcome& welcome) {
  {
    const std::lock_guard lock(mutex_);
    if (terms_) return;  // it is only looked at once
    Terms terms;
    terms.protocol = welcome.protocol();
    if (welcome.heartbeat_ms() > 0)
      terms.heartbeat = std::chrono::milliseconds(welcome.heartbeat_ms());
    if (welcome.silence_ms() > 0) terms.silence = std::chrono::milliseconds(welcome.silence_ms());
    terms_ = terms;
  }
  bell_->ring();
  if (welcome.protocol() != proto_limits::kProtocolVersion) return;  // the link ends it
  driver_->connected(shared_from_this());
  able_to_write();
}

void Session::able_to_write() {
  if (conditions_to_write_.fetch_sub(1) == 1) pump();
}

void Session::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  RemoveHold();
}

void Session::OnDone(const grpc::Status& status) {
  const std::shared_ptr<Bell> bell = bell_;
  {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  bell->ring();  // the owner may have destroyed the session already
}

}  // namespace penstock::worker
