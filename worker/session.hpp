// One connection to the scheduler, from hello to its end. Made by the link, one after the other.
//
// Threads: gRPC's callback threads read and continue writing; an executor thread that finds no
// write in flight begins one. Nothing here blocks.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "worker/driver.hpp"
#include "worker/wire.hpp"

namespace penstock::worker {

// Rung by a session when something changed that the link's thread should look at.
class Bell {
 public:
  void ring();
  // Returns at the time, or earlier when it was rung since the last wait.
  void wait_until(std::chrono::steady_clock::time_point time);

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool pending_ = false;
};

class Session final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                      public Outlet,
                      public std::enable_shared_from_this<Session> {
 public:
  using Clock = std::chrono::steady_clock;

  // What the scheduler said when it let the worker in.
  struct Terms {
    std::uint32_t protocol = 0;
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds silence{5000};
  };

  Session(std::shared_ptr<grpc::Channel> channel, Identity identity, Binder bind,
          std::shared_ptr<Driver> driver, std::shared_ptr<Bell> bell);

  // Sends hello.
  void start();
  // The session will soon be done, with CANCELLED.
  void cancel();

  std::optional<Terms> terms() const;                    // once the scheduler has answered
  std::optional<grpc::Status> status() const;            // once the session is done
  Clock::time_point heard() const;                       // when the last message came
  bool told_to_leave() const { return told_to_leave_; }  // the scheduler is stopping
  bool told_to_retire() const { return told_to_retire_; }  // leave for good
  bool finished() const { return finished_; }            // everything is sent, the worker has left

  void pump() override;
  void remind() override;
  void look_at_the_time() override { bell_->ring(); }
  // Outcomes wait since the last call.
  bool reminded() { return reminded_.exchange(false); }
  void keep_reminding() { reminded_ = true; }
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void welcome(const v1::Welcome& welcome);
  void able_to_write();
  void close();

  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  const Identity identity_;
  const Binder bind_;
  const std::shared_ptr<Driver> driver_;
  const std::shared_ptr<Bell> bell_;
  grpc::ClientContext context_;

  grpc::ByteBuffer read_;     // of the read in flight
  grpc::ByteBuffer written_;  // of the write in flight
  // Reused by each read,
  wire::WorkerInbox inbox_;
  Inbound inbound_;
  // and by each write.
  wire::WorkerBatch batch_;
  Outbound outbound_;

  // Writing begins when hello is out and the welcome is in.
  std::atomic<int> conditions_to_write_{2};
  std::atomic<bool> hello_sent_{false};
  std::atomic<Clock::rep> heard_;
  std::atomic<bool> told_to_leave_{false};
  std::atomic<bool> told_to_retire_{false};
  std::atomic<bool> finished_{false};
  std::atomic<bool> reminded_{false};

  mutable std::mutex mutex_;  // of all below, and around each start of a write
  bool closed_ = false;       // the hold is gone: start nothing more
  std::optional<Terms> terms_;
  std::optional<grpc::Status> status_;
};

}  // namespace penstock::worker
