#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Ticks : public SchedulerCoreTest {
 protected:
  std::size_t heartbeats(Tick tick = {}) {
    std::vector<Action> out;
    core_->handle(tick, now_, out);
    return static_cast<std::size_t>(std::count_if(out.begin(), out.end(), [](const Action& a) {
      return std::holds_alternative<SendHeartbeats>(a);
    }));
  }
};

TEST_F(Ticks, SendHeartbeatsWhenTheyAreDue) {
  const TimePoint start = now_;
  EXPECT_EQ(core_->next_deadline(), start + 1s);
  now_ = start + 1s;
  EXPECT_EQ(heartbeats(), 1u);
  EXPECT_EQ(core_->next_deadline(), start + 2s);
}

TEST_F(Ticks, ThatAreEarlyDoNothing) {
  now_ += 999ms;
  EXPECT_EQ(heartbeats(), 0u);
}

TEST_F(Ticks, AfterALongPauseSendOneHeartbeat) {
  now_ += 10min;
  EXPECT_EQ(heartbeats(), 1u);
  EXPECT_EQ(core_->next_deadline(), now_ + 1s);
}

}  // namespace
}  // namespace penstock::scheduler::testing
