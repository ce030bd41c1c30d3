// The threads that run users' functions. They do nothing else: heartbeats and the network have
// threads of their own.
//
// Before a function runs, values of workers are put into its input; after it has run, a large result becomes a
// value that stays here.
//
// A function that throws becomes a failure. A thread cannot be killed: whoever stops waits for the
// functions that run, as long as it likes, and then leaves the threads behind; each of them owns
// what it needs and ends with its function.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "worker/black_box.hpp"
#include "worker/driver.hpp"

namespace penstock::worker {

class InputAssembler;

class Executor {
 public:
  // Starts the threads. `worker` is its name, for errors; `black_box` may be null.
  Executor(std::shared_ptr<Driver> driver, std::shared_ptr<InputAssembler> inputs,
           std::uint32_t threads, std::string worker, std::shared_ptr<BlackBox> black_box);
  // Stops, without waiting for functions that still run.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes no further job and waits for the threads. False: some function still runs.
  bool stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct Threads;
  std::shared_ptr<Driver> driver_;
  std::shared_ptr<Threads> threads_;
};

}  // namespace penstock::worker
