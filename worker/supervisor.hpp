// Keeps one worker process alive: starts it, passes its log on, and when it dies tells the
// scheduler what it knows (signal, exit code, the tasks that were running, the last lines of its
// log) and starts another.
//
// One thread of its own, the parent of every child. Children are spawned, never forked: this
// process may use gRPC.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace penstock::worker {

struct SupervisorOptions {
  std::string program;            // whose main() calls penstock::init()
  std::string title{};            // instead of its path, for people and as its own name
  std::vector<std::string> args;  // for it
  std::string scheduler = "127.0.0.1:8786";
  std::string name;                // of the worker; empty: host and our process id
  unsigned threads = 0;            // 0: one for each hardware thread
  std::uint64_t memory_limit = 0;  // resident bytes, 0: none. A child at 1.2 times that is replaced
  // Of results that stay at the worker; empty: half of the memory limit, without one half of the machine's memory
  std::optional<std::uint64_t> max_value_bytes{};
  std::string resources;           // that its tasks may take: "gpu=1, licence=2"
  std::string resource_group{};    // of the workers that have them together; empty: its name
  std::vector<std::string> load;   // libraries with tasks
  std::string token;               // the scheduler's secret; empty: from the environment

  std::chrono::milliseconds grace{1700};       // from SIGTERM to SIGKILL
  std::chrono::milliseconds first_pause{100};  // before a restart; doubles
  std::chrono::milliseconds longest_pause{5000};
  std::chrono::milliseconds long_life{10'000};  // a child that lived so long resets the pause
  std::chrono::milliseconds quick_exit{2000};   // one that exits sooner is probably no worker
  int max_quick_exits = 5;                      // in a row; crashes by a signal do not count
  std::chrono::milliseconds report_timeout{1000};
  // Of a program of which nobody knows whether it is a worker: a child that ends before it has called
  // penstock::init(), or has not called it after so long, is the last one. 0: known.
  std::chrono::milliseconds init_timeout{0};

  std::function<void()> on_end;  // called by the supervisor's thread as its last act
};

struct SupervisorEnd {
  enum class Reason {
    kStopped,  // by request_stop(), or a client wanted it to leave for good
    kRefused,  // the worker cannot serve, and said why in its log
    kGaveUp,   // it exits at once again and again
    kCannotStart,
  } reason = Reason::kStopped;
  std::string text;  // for people
};

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options);
  // Stops, and leaves no child behind.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void start();

  // SIGTERM for the child, SIGKILL when the grace time is over, or at once. Returns immediately.
  void request_stop(bool at_once = false);
  // Requests and waits: at most the grace time and 0.3 s.
  SupervisorEnd stop();
  // Blocks until it has ended by itself or by a stop.
  SupervisorEnd wait();
  std::optional<SupervisorEnd> wait_for(std::chrono::milliseconds timeout);

  const std::string& name() const { return options_.name; }
  pid_t child() const { return child_; }  // 0 when there is none at the moment
  std::uint64_t starts() const { return starts_; }

 private:
  struct Life;  // one child's
  class Reporter;
  using Clock = std::chrono::steady_clock;

  void run();
  std::optional<SupervisorEnd> supervise_one();
  void watch(Life& life);
  void listen(Life& life);
  void check_memory(Life& life);
  void check_init(Life& life);
  bool is_no_worker(const Life& life) const;
  std::string no_worker_text(const Life& life) const;
  void obey(Life& life);
  void bury(const Life& life);
  std::optional<SupervisorEnd> judge(const Life& life);
  void pause(std::chrono::milliseconds lived);
  const std::string& program_name() const { return options_.title.empty() ? options_.program : options_.title; }
  bool stopping() const { return stop_requested_; }

  SupervisorOptions options_;
  int stop_fd_;  // an eventfd, readable from request_stop() on
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> at_once_{false};
  std::atomic<pid_t> child_{0};
  std::atomic<std::uint64_t> starts_{0};

  // The thread's own.
  std::unique_ptr<Reporter> reporter_;
  std::chrono::milliseconds next_pause_;
  int quick_exits_ = 0;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<SupervisorEnd> end_;
  std::thread thread_;
};

}  // namespace penstock::worker
