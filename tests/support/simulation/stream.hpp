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

// What becomes of an element.
enum class Shape : std::uint8_t {
  kTask,   // one task
  kChain,  // one, and another one on its value, wherever that is
  kPairs,  // the same on its value and that of the element before
  kLong,   // three, each on the value of the one before
};

struct StreamSpec {
  std::uint64_t number = 0;
  std::uint64_t elements = 0;
  Duration period{};  // between two emits, at least
  client::WindowLimits window;
  Function function;
  Shape shape = Shape::kTask;
  Function second;  // of the others
  std::vector<std::string> modules;
  unsigned near_percent = 0;  // elements whose first task is for one worker,
  bool pinned = false;        // and for no other
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
  void forget_plan() {
    plan_.reset();
    second_plan_.reset();
    before_.reset();
  }
  std::string progress() const;

 private:
  // A task, and those on whose values it is.
  struct Link;
  using LinkPtr = std::shared_ptr<Link>;
  struct Link {
    std::vector<LinkPtr> on;
    std::string input;  // its own part; their values are behind it
    Function function;
    bool pinned = false;
    detail::CellPtr task = nullptr;  // when it was submitted
    detail::CellPtr result = nullptr;
    std::size_t missing = 0;
  };
  struct Emitted {
    std::uint64_t index;
    LinkPtr last;
    bool cancelled = false;
  };
  // What the tasks of an element come to.
  struct Expected {
    std::string value;
    std::string raises;               // the input that does, if one does
    bool kills = false;
    bool pinned = false;
    std::vector<std::string> inputs;  // own parts
    std::vector<std::string> asked;   // those of tasks of theirs
  };

  void schedule_emit();
  void emit();
  void emit_one(std::string input);
  void renew_plans();
  LinkPtr first_link(std::string input);
  LinkPtr follow(std::vector<LinkPtr> on, char kind, detail::Want want);
  void submit(const LinkPtr& link, detail::Want want);
  static void forget_what_it_is_on(Link& link);
  static std::string run(const Link& link, Expected& expected);
  detail::TicketPtr take_place(std::size_t bytes);
  void cancel_one();
  void pump();
  void deliver(const detail::OrderedQueue::Item& item);
  void check(const Emitted& emitted, const detail::Outcome& outcome);
  void check(const Emitted& emitted, const Expected& expected, const scheduler::Failure& failure);
  void fail(const std::string& problem);

  template <class Callback>
  void after(Duration delay, Callback callback);

  Environment& environment_;
  ClientProcess& client_;
  const LifePtr life_;
  const StreamSpec spec_;
  ClientProcess::PlanPtr plan_;
  ClientProcess::PlanPtr second_plan_;
  Function function_;
  Function second_;
  LinkPtr before_;  // the first task of the last element
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
