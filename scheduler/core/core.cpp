#include "scheduler/core/core.hpp"

#include <utility>

#include "scheduler/core/state.hpp"

namespace penstock::scheduler {

Core::State::State(const CoreOptions& core_options, TimePoint at)
    : options(core_options), started(at), now(at), statistics(at) {
  PENSTOCK_CHECK(options.heartbeat > Duration{0});
  deadlines.add(at + options.heartbeat, HeartbeatDue{});
}

Core::Core(const CoreOptions& options, TimePoint now)
    : state_(std::make_unique<State>(options, now)) {}

Core::~Core() = default;

void Core::handle(Event&& event, TimePoint now, std::vector<Action>& out) {
  PENSTOCK_CHECK(now >= state_->now);
  state_->now = now;
  state_->out = &out;
  std::visit([this](auto& happened) { state_->on(happened); }, event);
  state_->out = nullptr;
}

std::optional<TimePoint> Core::next_deadline() const { return state_->deadlines.next(); }

}  // namespace penstock::scheduler
