// One connection to the scheduler, from hello to its end. The session makes one after the other.
//
// Threads: gRPC's callback threads read and continue writing; any thread may ask it to write.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "proto/frame.hpp"

namespace penstock::client {

// What a connection asks of its session. Called on gRPC's threads.
class ConnectionOwner {
 public:
  using Inbox = proto_frame::Frame<v1::ClientInbox>;
  using Batch = proto_frame::Frame<v1::ClientBatch>;

  virtual ~ConnectionOwner() = default;
  // The scheduler has answered: from now on fill() is asked.
  virtual void welcomed(const v1::Welcome& welcome) = 0;
  virtual void received(Inbox& inbox) = 0;
  // Puts what is to be sent into the empty batch; false when there is nothing.
  virtual bool fill(Batch& batch) = 0;
  virtual void ended(const grpc::Status& status) = 0;  // the last call
};

class Connection final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Clock = std::chrono::steady_clock;

  // The connection must live until ended() was called, and must not die on one of gRPC's threads: with
  // the last reference to a channel gRPC waits for them. This pointer takes care of the second.
  static std::shared_ptr<Connection> create(std::shared_ptr<grpc::Channel> channel,
                                            ConnectionOwner& owner);

  // Says hello. `program` is null unless it is offered.
  void start(const std::string& name, unsigned weight, const std::string& token, const v1::ProgramOffer* program);
  // Writes what fill() gives, unless a write is in flight: then right after it.
  void write();
  // Writes even when there is nothing to say.
  void heartbeat();
  // Ends soon, with CANCELLED.
  void cancel() { context_.TryCancel(); }

  Clock::time_point heard() const {
    return Clock::time_point(Clock::duration(heard_.load(std::memory_order_relaxed)));
  }

 private:
  Connection(std::shared_ptr<grpc::Channel> channel, ConnectionOwner& owner)
      : owner_(owner), stub_(std::move(channel)) {}

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void begin_write(bool empty_too);

  ConnectionOwner& owner_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer read_;     // of the read in flight
  grpc::ByteBuffer written_;  // of the write in flight
  ConnectionOwner::Inbox inbox_;
  ConnectionOwner::Batch batch_;
  std::atomic<Clock::rep> heard_{0};

  std::mutex mutex_;
  bool writing_ = true;    // hello
  bool welcomed_ = false;
  bool closed_ = false;    // start no more writes
};

}  // namespace penstock::client
