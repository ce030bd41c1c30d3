// The scheduler's logic as a pure state machine: events in, actions out. Same events and times,
// same actions, byte for byte. Remote input never aborts it: unknown ids, repeated and late
// messages are counted and dropped. Only its own broken invariants abort.
//
//   Core core(options, now);
//   std::vector<Action> out;
//   core.handle(WorkerJoined{...}, now, out);   // appends to `out`
//
// Not thread-safe: the driver calls it from one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "scheduler/core/action.hpp"
#include "scheduler/core/event.hpp"
#include "scheduler/core/snapshot.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

class Core {
 public:
  Core(const CoreOptions& options, TimePoint now);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Takes the event (payloads are moved out of it). `now` never goes back. A SendTask in `out`
  // refers to the core's bytes: execute it before the next call.
  void handle(Event&& event, TimePoint now, std::vector<Action>& out);

  // When a Tick is due, if nothing else happens before.
  std::optional<TimePoint> next_deadline() const;

  Snapshot snapshot(TimePoint now) const;

  // Aborts with a message when the state contradicts itself. O(everything): for tests.
  void check_invariants() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::scheduler
