// A scatter, a map and an ordered gather with the production window and queue between them, and a
// sink that knows what must come out of it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/core/window.hpp"
#include "penstock/detail/ordered_queue.hpp"
#include "tests/support/simulation/client_process.hpp"

namespace penstock::simulation {

struct StreamSpec {
  std::uint64_t number = 0;
  std::uint64_t elements = 0;
  Duration period{};  // between two emits, at least
  client::WindowLimits window;
  Function function;
  std::vector<std::string> modules;
  unsigned cancel_percent = 0;
  unsigned renew_percent = 0;  // emits that begin a new plan
  unsigned slow_sink_percent = 0;
};

class Stream {
 public:
  Stream(Environment& environment, ClientProcess& client, StreamSpec spec);
  ~Stream();  // the client may be dead, but must be there
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start() { schedule_emit(); }
  bool is_done() const { return ended_; }
  std::uint64_t delivered() const { return delivered_; }
  std::size_t in_window() const { return window_->elements() + window_->bytes(); }
  void forget_plan() { plan_.reset(); }
  std::string progress() const;

 private:
  struct Emitted {
    std::uint64_t index;
    std::string input;
    Function function;
    detail::CellPtr cell;
    bool cancelled = false;
  };

  void schedule_emit();
  void emit();
  void emit_one(std::string input);
  detail::TicketPtr take_place(std::size_t bytes);
  void cancel_one();
  void pump();
  void deliver(const detail::OrderedQueue::Item& item);
  void check(const Emitted& emitted, const detail::Outcome& outcome);
  void check(const Emitted& emitted, const scheduler::Failure& failure);
  void fail(const std::string& problem);

  template <class Callback>
  void after(Duration delay, Callback callback);

  Environment& environment_;
  ClientProcess& client_;
  const LifePtr life_;
  const StreamSpec spec_;
  ClientProcess::PlanPtr plan_;
  Function function_;
  const std::shared_ptr<client::Window> window_;  // outlived by the places taken in it
  std::shared_ptr<detail::OrderedQueue> queue_;
  std::deque<Emitted> emitted_;  // and not delivered, in order
  std::uint64_t next_ = 0;
  std::uint64_t delivered_ = 0;
  TimePoint next_emit_;
  bool emit_scheduled_ = false;
  bool ended_ = false;
};

}  // namespace penstock::simulation
