// Keeps a worker in contact with its scheduler: connects, says hello, sends heartbeats, notices
// silence, connects again. Ends only when the worker leaves, is refused, or is cancelled. Lets others read the
// values that stay here, from before the first session until the link is destroyed.
//
// One thread of its own, which does all that has to do with time. It never runs users' functions,
// so heartbeats go out however busy the worker is.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "worker/driver.hpp"
#include "worker/process_stat.hpp"
#include "worker/session.hpp"
#include "worker/value_server.hpp"
#include "worker/wire.hpp"

namespace penstock::worker {

struct LinkOptions {
  std::string scheduler;                   // host:port; for the log when there is a channel
  std::shared_ptr<grpc::Channel> channel;  // null: made from the address, anew for each try
  Identity identity;
  Binder bind = bind_stages;

  std::chrono::milliseconds first_pause{100};  // between tries; doubles, with jitter
  std::chrono::milliseconds longest_pause{2000};
  std::chrono::milliseconds welcome_timeout{5000};           // from a try to the scheduler's answer
  std::chrono::milliseconds duplicate_name_patience{10000};  // the old connection may be dying
};

struct LinkEnd {
  enum class Reason {
    kLeft,       // everything that ran was delivered or is nobody's any more
    kRetired,    // the same, because a client wanted it to leave for good
    kStuck,      // the same, but a task had gone on for too long, and has its thread still
    kRefused,    // the scheduler does not want this worker: trying again is no use
    kCancelled,  // by cancel()
  } reason = Reason::kLeft;
  std::string text;
};

class Link {
 public:
  Link(LinkOptions options, std::shared_ptr<Driver> driver);
  ~Link();  // cancels
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();
  // The driver was told to leave: end when that is done.
  void leave();
  // Ends now.
  void cancel();
  // Null: it has not ended by then.
  std::optional<LinkEnd> wait_until(std::chrono::steady_clock::time_point deadline);

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void serve_values();
  grpc::Status converse();
  void attend(Session& session);
  void greet(const Session::Terms& terms);
  void stuck();
  void leave_because(LinkEnd::Reason reason);
  void heartbeat(std::chrono::milliseconds interval);
  bool flush(Session& session);
  std::string reason_to_end(const Session& session, const std::optional<Session::Terms>& terms);
  std::optional<LinkEnd> judge(const grpc::Status& status);
  bool is_patient_with_duplicate();
  void complain(const grpc::Status& status);
  void pause();
  std::shared_ptr<grpc::Channel> channel() const;

  const LinkOptions options_;
  const std::shared_ptr<Driver> driver_;
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::atomic<bool> leaving_{false};
  std::atomic<bool> cancelled_{false};

  // The thread's own.
  std::unique_ptr<ValueServer> value_server_;  // once it could be started
  bool regretted_ = false;                     // that it could not
  CpuMeter cpu_;
  bool welcomed_ = false;    // in the present or last session
  bool said_stuck_ = false;
  LinkEnd::Reason left_because_ = LinkEnd::Reason::kLeft;
  bool complained_ = false;  // since the last welcome
  Clock::time_point next_heartbeat_;
  std::optional<Clock::time_point> farewell_until_;
  std::string reason_;    // why we ended the session ourselves
  std::string mismatch_;  // of the protocol, when that is the reason
  std::chrono::milliseconds next_pause_;
  std::optional<Clock::time_point> duplicate_since_;
  std::minstd_rand random_{std::random_device{}()};

  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<LinkEnd> end_;
  std::thread thread_;
};

// With the protocol's message size, and without gRPC's own memory of earlier failures.
std::shared_ptr<grpc::Channel> make_channel(const std::string& address);

}  // namespace penstock::worker
