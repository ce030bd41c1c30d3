// How tasks are run: given to client.with(options) for submit(), or to a node of a DistributedStream.
//
//   client.with({.retries = 3, .pause = 100ms}).submit(fetch, url);
//   urls.scatter().map(fetch).with({.retries = 3, .pause = 100ms}).gather();
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <string>

namespace penstock {

struct TaskOptions {
  // How often a task whose function threw, or ran for too long, is run again, on any worker, before its error counts; and how long
  // after the first failure, then twice as long, and so on. Lost workers are no failures of the task: it is
  // run again without this. The client waits, no worker does.
  unsigned retries = 0;
  std::chrono::nanoseconds pause{0};

  // How many tasks travel and run as one, on one thread. 0: short ones together, as many as run for about
  // 200 us, and long ones alone. 1: each alone. At most 256. Each has its own outcome in any case.
  std::size_t batch = 0;

  // Lets the client run them itself, in the thread that submits, as soon as most of 100,000 have shown that they run for
  // less than it costs to send it (2 us): and on workers again when they have become longer. The log says so. What
  // fails here is sent to a worker. For functions that may run in this process, without being a task to this_task.hpp:
  // a crash ends it. Without effect together with timeout, resources, worker or a Broadcast.
  bool local_when_short = false;

  // Of the tasks of one client that wait, those with a higher one start first.
  int priority = 0;

  // So long it may run, on the worker; 0: for ever. Then it is asked to stop (this_task.hpp) and fails with
  // TaskTimedOut, which may be tried again. If it goes on regardless, its worker process is replaced, and other
  // tasks there run on another worker. Such a task travels alone.
  std::chrono::nanoseconds timeout{0};

  // What it takes while it is with a worker, by names that workers were given (penstock-worker --resources):
  // "gpu=1, memory=4GiB". It runs where so much is free; Penstock only counts, it sets no limits. Without any worker
  // that has so much it fails with NoWorker, after ten seconds. Not together with `worker`.
  std::string resources = {};

  // The name of the one worker that may run it; empty: any. It fails with NoWorker when there is no such worker,
  // and with WorkerLost when that leaves or dies first. At most 4096 tasks wait there for each thread: further ones
  // fail with TaskRefused.
  std::string worker = {};

  friend auto operator<=>(const TaskOptions&, const TaskOptions&) = default;
};

}  // namespace penstock
