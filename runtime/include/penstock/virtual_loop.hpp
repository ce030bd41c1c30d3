// A loop whose time is a number: for tests of pipelines with time in them, without waiting.
//
//   penstock::VirtualLoop loop;
//   penstock::Stream<int> source;
//   auto out = source.rate_limit(500ms, {.loop = loop}).sink_to_vector();
//   source.emit(1);                 // a blocking emit lets virtual time pass while it waits
//   source.emit(2);
//   assert(loop.elapsed() == 500ms);
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "penstock/loop.hpp"

namespace penstock {

// Runs on the thread that calls it. Its time starts at zero and passes only in advance(), run() and
// in blocking calls of streams on it, which jump from timer to timer. post() may come from any
// thread. Copies are the same loop; with the last one goes what is still posted or timed.
class VirtualLoop {
 public:
  VirtualLoop();
  operator LoopRef() const;  // NOLINT: passes as {.loop = loop}

  // Runs everything that is due in the next `time`, in order, and leaves the clock there.
  void advance(Duration time);
  // Runs until nothing is posted and no timer is left. Never returns while a periodic node lives.
  void run();
  // Runs what is posted and due now; time stands still.
  void run_pending();

  TimePoint now() const;
  Duration elapsed() const;

  // For async_emit and other asynchronous calls made in a test: co_spawn on it.
  asio::any_io_executor executor() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
  std::shared_ptr<void> last_;  // shared by the copies
};

}  // namespace penstock
