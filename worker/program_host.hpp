// Runs clients' programs as workers: tells the scheduler which it has, is told which to have, reads their files from
// it, executes them, and ends them when they are not wanted any more. Each has supervisors of its own.
//
// Whoever may submit work can have any program executed here: penstock-worker has one only when it is told to.
//
// Two threads of its own: one reports, the other reads, starts and stops.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/supervisor.hpp"

namespace grpc {
class ClientContext;
}

namespace penstock::v1 {
class HostOrders;
class HostReport;
class ProgramOffer;
}  // namespace penstock::v1

namespace penstock::worker {

struct ProgramHostOptions {
  // Of each worker; the program is none. Its name is the host's: those of a program get "NAME/1234abcd", the first
  // digits of its SHA-256.
  SupervisorOptions worker;
  unsigned workers = 1;       // of each program
  unsigned max_programs = 4;  // at one time
  std::chrono::milliseconds init_timeout{30'000};  // for a program to call penstock::init()
  std::chrono::milliseconds longest_pause{2000};   // between tries to reach the scheduler
  std::function<void()> on_end;  // called when it has ended by itself, or as asked
};

class ProgramHost {
 public:
  explicit ProgramHost(ProgramHostOptions options);
  // Stops, and leaves no child behind.
  ~ProgramHost();
  ProgramHost(const ProgramHost&) = delete;
  ProgramHost& operator=(const ProgramHost&) = delete;

  void start();
  // SIGTERM for all workers, as Supervisor::request_stop(). Returns immediately.
  void request_stop(bool at_once = false);
  bool has_ended() const;
  // Why the scheduler does not want it; empty: it does.
  std::string refusal() const;

 private:
  struct Program;
  using ProgramPtr = std::shared_ptr<Program>;
  using Programs = std::map<std::string, ProgramPtr>;  // by SHA-256

  void report();
  void fill(v1::HostReport& report);
  void obey(const v1::HostOrders& orders);
  // Takes the lock it is given away while it works.
  void perform();
  bool do_next(std::unique_lock<std::mutex>& lock);
  absl::Status bring(Program& program);
  absl::Status read(Program& program);
  void start(Program& program);
  void look_after(Program& program);
  void end(Program& program, std::unique_lock<std::mutex>& lock);
  void pause(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds time);

  const ProgramHostOptions options_;
  const std::uint64_t instance_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Programs programs_;
  std::vector<ProgramPtr> unwanted_;
  bool stopping_ = false;
  bool at_once_ = false;
  bool ended_ = false;
  bool look_ = false;  // a supervisor has ended
  std::string refusal_;
  grpc::ClientContext* reporting_ = nullptr;  // to be cancelled
  grpc::ClientContext* reading_ = nullptr;
  ProgramPtr read_;  // what is read at the moment

  std::thread reporter_;
  std::thread performer_;
};

}  // namespace penstock::worker
