// A scheduler that says what a test tells it to, over real gRPC.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cluster.grpc.pb.h"

#include "proto/limits.hpp"

namespace penstock::worker {

inline constexpr std::chrono::seconds kPatience{20};

// A queue between gRPC's threads and the test's.
template <typename T>
class Mailbox {
 public:
  void put(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  std::optional<T> take(std::chrono::milliseconds timeout = kPatience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return !items_.empty(); })) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
};

// One worker's connection.
class FakeSession {
 public:
  using Stream = grpc::ServerReaderWriter<v1::WorkerInbox, v1::WorkerBatch>;

  FakeSession(grpc::ServerContext* context, Stream* stream, v1::WorkerHello hello)
      : hello_(std::move(hello)), context_(context), stream_(stream) {}

  const v1::WorkerHello& hello() const { return hello_; }
  void send(const v1::WorkerInbox& inbox) {
    const std::lock_guard lock(mutex_);
    if (!closed_) stream_->Write(inbox);
  }
  // Plan 1 with one stage.
  void define(const std::string& function = "echo") {
    v1::Plan plan;
    plan.add_stages()->set_function(function);
    v1::WorkerInbox inbox;
    v1::WorkerPlan& out = *inbox.add_plans();
    out.set_plan(1);
    plan.SerializeToString(out.mutable_definition());
    send(inbox);
  }
  void run(std::uint64_t first, std::uint64_t count, const std::string& input) {
    v1::WorkerInbox inbox;
    for (std::uint64_t task = first; task < first + count; ++task) {
      v1::Run& run = *inbox.add_runs();
      run.set_task(task);
      run.set_attempt(1);
      run.set_plan(1);
      run.set_input(input);
    }
    send(inbox);
  }
  // The connection breaks.
  void cut() {
    const std::lock_guard lock(mutex_);
    if (!closed_) context_->TryCancel();
  }

  std::vector<v1::TaskDone> outcomes(std::size_t count) {
    std::vector<v1::TaskDone> all;
    while (all.size() < count) {
      auto batch = batches.take();
      if (!batch) break;
      for (v1::TaskDone& done : *batch->mutable_done()) all.push_back(std::move(done));
    }
    return all;
  }
  // False: the worker keeps it open.
  bool wait_until_closed() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, kPatience, [this] { return closed_; });
  }

  Mailbox<v1::WorkerBatch> batches;

 private:
  friend class FakeScheduler;
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ended_.notify_all();
  }

  const v1::WorkerHello hello_;
  grpc::ServerContext* context_;
  Stream* stream_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool closed_ = false;
};

class FakeScheduler final : public v1::Cluster::Service {
 public:
  // Port 0: any.
  explicit FakeScheduler(int wanted_port = 0) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(wanted_port),
                             grpc::InsecureServerCredentials(), &port);
    builder.SetMaxReceiveMessageSize(proto_limits::kMaxMessageBytes);
    builder.SetMaxSendMessageSize(proto_limits::kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    port_ = port;
  }
  ~FakeScheduler() override { server_->Shutdown(std::chrono::system_clock::now()); }

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::shared_ptr<grpc::Channel> in_process_channel() {
    return server_->InProcessChannel(grpc::ChannelArguments());
  }

  // What answers the next hello: a welcome, a refusal, or nothing at all.
  void welcome_with(v1::Welcome welcome) {
    const std::lock_guard lock(mutex_);
    welcome_ = std::move(welcome);
    refusal_.reset();
  }
  void refuse_with(grpc::Status status) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(status);
  }

  std::shared_ptr<FakeSession> accept() {
    auto session = sessions.take();
    if (!session) ADD_FAILURE() << "no worker connected";
    return session.value_or(nullptr);
  }

  static v1::Welcome default_welcome() {
    v1::Welcome welcome;
    welcome.set_protocol(proto_limits::kProtocolVersion);
    welcome.set_heartbeat_ms(20);
    welcome.set_silence_ms(20'000);
    return welcome;
  }

  // What a host is to run from now on, and the files that it may read, by SHA-256.
  void order(std::vector<v1::ProgramOffer> programs) {
    const std::lock_guard lock(mutex_);
    orders_ = std::move(programs);
  }
  void have_program(const std::string& sha256, std::string bytes) {
    const std::lock_guard lock(mutex_);
    programs_[sha256] = std::move(bytes);
  }

  Mailbox<v1::HostReport> reports;
  Mailbox<std::shared_ptr<FakeSession>> sessions;
  Mailbox<v1::WorkerExit> exits;
  Mailbox<std::string> refused;  // names of workers

 private:
  grpc::Status WorkerSession(grpc::ServerContext* context, FakeSession::Stream* stream) override {
    v1::WorkerBatch batch;
    if (!stream->Read(&batch)) return grpc::Status::OK;
    {
      const std::lock_guard lock(mutex_);
      if (refusal_) {
        refused.put(batch.hello().name());
        return *refusal_;
      }
    }
    const auto session = std::make_shared<FakeSession>(context, stream, batch.hello());
    v1::WorkerInbox inbox;
    {
      const std::lock_guard lock(mutex_);
      *inbox.mutable_welcome() = welcome_;
    }
    session->send(inbox);
    sessions.put(session);
    while (stream->Read(&batch)) session->batches.put(std::move(batch));
    session->close();
    return grpc::Status::OK;
  }

  grpc::Status ReportExit(grpc::ServerContext*, const v1::WorkerExit* exit,
                          v1::WorkerExitAck*) override {
    exits.put(*exit);
    return grpc::Status::OK;
  }

  grpc::Status HostPrograms(grpc::ServerContext*, const v1::HostReport* report, v1::HostOrders* orders) override {
    reports.put(*report);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // as one that answers with its heartbeats
    const std::lock_guard lock(mutex_);
    for (const v1::ProgramOffer& offer : orders_) *orders->add_programs() = offer;
    return refusal_.value_or(grpc::Status::OK);
  }

  grpc::Status ReadProgram(grpc::ServerContext*, const v1::ProgramName* name,
                           grpc::ServerWriter<v1::ProgramPiece>* writer) override {
    std::string bytes;
    {
      const std::lock_guard lock(mutex_);
      const auto found = programs_.find(name->sha256());
      if (found == programs_.end()) return {grpc::StatusCode::NOT_FOUND, "not here"};
      bytes = found->second;
    }
    for (std::size_t at = 0; at < bytes.size(); at += proto_limits::kProgramPieceBytes) {
      v1::ProgramPiece piece;
      piece.set_offset(at);
      piece.set_bytes(bytes.substr(at, proto_limits::kProgramPieceBytes));
      if (!writer->Write(piece)) break;
    }
    return grpc::Status::OK;
  }

  std::mutex mutex_;
  std::vector<v1::ProgramOffer> orders_;
  std::map<std::string, std::string> programs_;
  v1::Welcome welcome_ = default_welcome();
  std::optional<grpc::Status> refusal_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace penstock::worker
