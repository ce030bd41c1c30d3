#include "client/connection.hpp"

#include <unistd.h>

#include <utility>

#include "client/callback_thread.hpp"
#include "proto/channel.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"

namespace penstock::client {
std::shared_ptr<Connection> Connection::create(std::shared_ptr<grpc::Channel> channel,
                                               ConnectionOwner& owner) {
  return {new Connection(std::move(channel), owner),
          [](Connection* connection) { CallbackThread::dispose(connection); }};
}

void Connection::start(const std::string& name, unsigned weight, const std::string& token,
                       const v1::ProgramOffer* program) {
  heard_ = Clock::now().time_since_epoch().count();
  std::unique_lock lock(mutex_);  // what is written here others write later, with it
  if (!token.empty()) context_.AddMetadata(proto_token::kMetadataKey, token);
  batch_.batch.mutable_hello()->set_protocol(proto_limits::kProtocolVersion);
  batch_.batch.mutable_hello()->set_name(name);
  batch_.batch.mutable_hello()->set_weight(weight);
  if (program != nullptr) *batch_.batch.mutable_hello()->mutable_program() = *program;
  written_ = proto_frame::encode(batch_);
  stub_.PrepareBidiStreamingCall(&context_, proto_channel::kClientSession, {}, this);
  AddHold();  // the application's threads start writes outside of gRPC's callbacks
  StartWrite(&written_);
  lock.unlock();
  StartRead(&read_);
  StartCall();
}

void Connection::write() {
  // The lock also keeps the hold from being removed between the decision and the write.
  std::lock_guard lock(mutex_);
  begin_write(false);
}

void Connection::heartbeat() {
  std::lock_guard lock(mutex_);
  begin_write(true);
}

// With the lock held.
void Connection::begin_write(bool empty_too) {
  if (writing_ || closed_ || !welcomed_) return;
  batch_.clear();
  if (!owner_.fill(batch_) && !empty_too) return;
  writing_ = true;
  written_ = proto_frame::encode(batch_);
  StartWrite(&written_);
}

void Connection::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  written_.Clear();  // payloads of settled tasks are not kept until the next write
  batch_.clear();
  if (ok) begin_write(false);
}

void Connection::OnReadDone(bool ok) {
  CallbackThread scope;
  if (ok && !proto_frame::decode(read_, inbox_)) {
    context_.TryCancel();
    ok = false;
  }
  read_.Clear();
  if (!ok) {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    RemoveHold();
    return;
  }
  heard_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  if (inbox_.batch.has_welcome()) {
    owner_.welcomed(inbox_.batch.welcome());
    std::lock_guard lock(mutex_);
    welcomed_ = true;
  }
  owner_.received(inbox_);
  StartRead(&read_);
  write();
}

void Connection::OnDone(const grpc::Status& status) {
  const CallbackThread scope;
  owner_.ended(status);  // the last use of `this`: the session may let it go at once
}

}  // namespace penstock::client
