// The threads that run users' functions. They do nothing else: heartbeats and the network have
// threads of their own.
//
// Before a function runs, values of workers are put into its input; after it has run, a large result becomes a
// value that stays here.
//
// A task may wait for others that it has submitted: then one more thread stands in for its own.
//
// A function that throws becomes a failure. A thread cannot be killed: whoever stops waits for the
// functions that run, as long as it likes, and then leaves the threads behind; each of them owns
// what it needs and ends with its function.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "worker/black_box.hpp"
#include "worker/driver.hpp"

namespace penstock::worker {

class InputAssembler;

// Who the worker is, for errors, and how tasks reach the scheduler.
struct WorkerAddress {
  std::string worker;     // its name
  std::string scheduler;  // host:port
  std::string token;
  std::shared_ptr<grpc::Channel> channel;  // instead of the address; null: none
};

class Executor {
 public:
  // Starts the threads. `black_box` may be null.
  Executor(std::shared_ptr<Driver> driver, std::shared_ptr<InputAssembler> inputs, std::uint32_t threads,
           WorkerAddress address, std::shared_ptr<BlackBox> black_box);
  // Stops, without waiting for functions that still run.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes no further job and waits for the threads. False: some function still runs.
  bool stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct Threads;
  class Thread;
  std::shared_ptr<Threads> threads_;
};

}  // namespace penstock::worker
