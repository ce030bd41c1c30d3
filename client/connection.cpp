#include "client/connection.hpp"

#include <unistd.h>

#include <utility>

#include "client/callback_thread.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"

namespace penstock::client {
std::shared_ptr<Connection> Connection::create(std::shared_ptr<grpc::Channel> channel,
                                               ConnectionOwner& owner) {
  return {new Connection(std::move(channel), owner),
          [](Connection* connection) { CallbackThread::dispose(connection); }};
}

void Connection::start(const std::string& name, const std::string& token) {
  heard_ = Clock::now().time_since_epoch().count();
  if (!token.empty()) context_.AddMetadata(proto_token::kMetadataKey, token);
  batch_.mutable_hello()->set_protocol(proto_limits::kProtocolVersion);
  batch_.mutable_hello()->set_name(name);
  stub_->async()->ClientSession(&context_, this);
  AddHold();  // the application's threads start writes outside of gRPC's callbacks
  StartWrite(&batch_);
  StartRead(&inbox_);
  StartCall();
}

void Connection::write() {
  // The lock also keeps the hold from being removed between the decision and the write.
  std::lock_guard lock(mutex_);
  if (begin_write(false)) StartWrite(&batch_);
}

void Connection::heartbeat() {
  std::lock_guard lock(mutex_);
  if (begin_write(true)) StartWrite(&batch_);
}

// With the lock held.
bool Connection::begin_write(bool empty_too) {
  if (writing_ || closed_ || !welcomed_) return false;
  batch_.Clear();
  if (!owner_.fill(batch_) && !empty_too) return false;
  writing_ = true;
  return true;
}

void Connection::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  if (ok && begin_write(false)) StartWrite(&batch_);
}

void Connection::OnReadDone(bool ok) {
  CallbackThread scope;
  if (!ok) {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    RemoveHold();
    return;
  }
  heard_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  if (inbox_.has_welcome()) {
    owner_.welcomed(inbox_.welcome());
    std::lock_guard lock(mutex_);
    welcomed_ = true;
  }
  owner_.received(inbox_);
  inbox_.Clear();
  StartRead(&inbox_);
  write();
}

void Connection::OnDone(const grpc::Status& status) {
  const CallbackThread scope;
  owner_.ended(status);  // the last use of `this`: the session may let it go at once
}

}  // namespace penstock::client
