// A worker inside this program: threads that run tasks for a scheduler, over one connection. Large results stay here,
// and are read at a port of its own that shows them to who has the scheduler's token.
//
//   penstock::Worker worker({.scheduler = "10.0.0.5:8786", .threads = 4});
//   worker.start();
//   worker.wait();   // until it is stopped from another thread or refused
//
// It serves the tasks that are compiled into this program or loaded with dlopen before start(). For
// a worker that may crash without harm to this program, run penstock-worker instead.
//
// Threads in a process cannot be killed. A function that still runs when stop() gives up is left to
// end on its own thread; its result is dropped, and the program must not unload what it uses. A
// process that has to end in time ends with _exit().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace penstock {

namespace worker {
struct WorkerParts;
}

struct WorkerOptions {
  std::string scheduler = "127.0.0.1:8786";  // host:port
  std::string name;                          // unique in the cluster; empty: host and process id
  unsigned threads = 0;                      // 0: one for each hardware thread; at most 1024
  std::uint64_t memory_limit = 0;            // resident bytes, 0: none. Told to the scheduler
  // What its tasks may take at a time (TaskOptions::resources): "gpu=1, memory=4GiB". With a memory limit it has
  // memory= as much, unless it is given. The constructor throws Error when it cannot be read.
  std::string resources;
  std::string resource_group = {};  // workers that name the same one have these resources together; empty: alone
  // Of results that stay here until nobody needs them, 0: all travel with their outcomes. Empty: half of the memory
  // limit, without one half of the machine's memory.
  std::optional<std::uint64_t> max_value_bytes{};
  std::string token;  // the scheduler's secret; empty: from the environment, PENSTOCK_TOKEN
  bool supervised = false;  // a supervisor reports this process's death to the scheduler
};

// How a worker ended.
struct WorkerEnd {
  enum class Reason {
    kStopped,  // by stop()
    kRetired,  // a client wanted it to leave for good
    kStuck,    // tasks did not stop in time, and have their threads still: one of a supervised worker, or all
    kRefused,  // the scheduler does not want it: another protocol, a name that is taken ...
  } reason = Reason::kStopped;
  std::string text;  // the refusal, for people
};

// Thread-safe, except for construction and destruction.
class Worker {
 public:
  explicit Worker(WorkerOptions options);
  // For embedding next to a scheduler in one process, and for worker processes.
  Worker(WorkerOptions options, worker::WorkerParts parts);
  // As stop(2 s).
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts connecting, and returns at once. A scheduler that is not there yet is waited for.
  void start();

  // Hands back what waits, finishes what runs, says good-bye. Returns at once.
  void leave();

  // leave(), then waits at most so long; what is not done then is cut off. Returns true when every
  // function had ended.
  bool stop(std::chrono::milliseconds grace = std::chrono::seconds(2));

  // Blocks until the worker has ended, by leave(), stop() or a refusal.
  WorkerEnd wait();
  // The same for at most so long; empty when it goes on.
  std::optional<WorkerEnd> wait_for(std::chrono::milliseconds timeout);

  const std::string& name() const;
  unsigned threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock
