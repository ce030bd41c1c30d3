// One peer's connection: reads batches and hands them to the driver; writes batches with at most one
// write in flight. What comes while a write is in flight is collected and goes out with the next one.
// Bytes that are no batch end it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "proto/frame.hpp"
#include "proto/limits.hpp"

namespace penstock::scheduler {

// In and Out are the batch messages of one direction each; Handler is told of what happens:
//   void received(Peer&, Frame<In>&&);  // on a gRPC thread, one call at a time
//   void unreadable(id);          // it sent something else; the connection is closed already
//   void stopped_reading(id, bytes);  // more waits for it than may; the connection is closed already
//   std::size_t max_waiting_bytes() const;
//   void gone(Peer&);             // the last call; the peer may be deleted right after it
// append(), flush() and close() may be called from any thread, also after the connection ended: then
// they do nothing. flush() and close() may run gRPC's callbacks in the call, so no lock that those take
// may be held.
template <class In, class Out, class Handler>
class Peer final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public std::enable_shared_from_this<Peer<In, Out, Handler>> {
 public:
  // Lives until gRPC is done with it and nobody else holds it.
  static Peer* start(Handler& handler, grpc::CallbackServerContext& context) {
    auto peer = std::make_shared<Peer>(handler, context);
    peer->self_ = peer;
    peer->StartRead(&peer->read_);
    return peer.get();
  }

  Peer(Handler& handler, grpc::CallbackServerContext& context)
      : handler_(handler), context_(context) {}

  // Calls build(frame) on the batch that goes out next. flush() lets it go.
  template <class Build>
  void append(std::size_t bytes, Build build) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    if (batches_.empty() || batches_.back().bytes + bytes > proto_limits::kBatchBytes) begin_batch();
    batches_.back().bytes += bytes;
    bytes_ += bytes;
    build(batches_.back().frame);
  }

  void flush() {
    if (const std::size_t waiting = too_much(); waiting != 0) {
      close({grpc::StatusCode::RESOURCE_EXHAUSTED, "too much waits for this peer: it does not read"});
      handler_.stopped_reading(id, waiting);
      return;
    }
    if (!take_next_batch()) return;
    written_ = proto_frame::encode(out_.frame);
    this->StartWrite(&written_);
  }

  // Sends an empty batch unless something is going out anyway.
  void heartbeat() {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || writing_) return;
      if (batches_.empty()) begin_batch();
    }
    flush();
  }

  // Ends the connection. What was not written yet is lost.
  void close(grpc::Status status) {
    bool finish_later = false;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      batches_.clear();
      bytes_ = 0;
      finish_later = writing_;
      if (finish_later) status_ = status;
    }
    if (finish_later) {
      context_.TryCancel();  // the write may never end by itself
    } else {
      this->Finish(std::move(status));
    }
  }

  std::uint64_t id = 0;  // given by the driver after the hello; 0 before

 private:
  struct Batch {
    proto_frame::Frame<Out> frame;
    std::size_t bytes = 0;
  };

  void OnReadDone(bool ok) override {
    if (!ok) {
      close(grpc::Status::OK);
      return;
    }
    const bool readable = proto_frame::decode(read_, in_);
    read_.Clear();
    if (!readable) {
      close({grpc::StatusCode::INVALID_ARGUMENT, "these bytes are no message of Penstock's protocol"});
      handler_.unreadable(id);
      return;
    }
    handler_.received(*this, std::move(in_));
    this->StartRead(&read_);
  }

  void OnWriteDone(bool ok) override {
    bool finish = false;
    {
      std::lock_guard lock(mutex_);
      writing_ = false;
      finish = closed_;
    }
    if (finish) {
      this->Finish(std::move(status_));
    } else if (ok) {
      flush();
    }
  }

  void OnDone() override {
    handler_.gone(*this);
    self_.reset();
  }

  // With the lock held. In the memory of an earlier batch, if there is one.
  void begin_batch() {
    batches_.emplace_back();
    std::swap(batches_.back(), spare_);
  }

  // How many bytes wait, when there are too many.
  std::size_t too_much() {
    std::lock_guard lock(mutex_);
    return bytes_ > handler_.max_waiting_bytes() ? bytes_ : 0;
  }

  bool take_next_batch() {
    std::lock_guard lock(mutex_);
    if (writing_ || closed_ || batches_.empty()) return false;
    out_.frame.clear();  // was written
    out_.bytes = 0;
    std::swap(out_, spare_);
    std::swap(out_, batches_.front());
    batches_.pop_front();
    bytes_ -= out_.bytes;
    writing_ = true;
    return true;
  }

  Handler& handler_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer read_;  // of the read in flight
  proto_frame::Frame<In> in_;
  std::mutex mutex_;
  std::deque<Batch> batches_;
  std::size_t bytes_ = 0;  // of all of them
  Batch out_;    // of the write in flight
  grpc::ByteBuffer written_;
  Batch spare_;  // empty, with the memory of an earlier batch
  bool writing_ = false;
  bool closed_ = false;
  grpc::Status status_;  // for the Finish that follows a write
  std::shared_ptr<Peer> self_;
};

}  // namespace penstock::scheduler
