#include "worker/driver.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <penstock/detail/check.hpp>
#include <penstock/detail/shared_values.hpp>
#include <penstock/error.hpp>

#include "proto/limits.hpp"

namespace penstock::worker {
namespace {

// A message may carry thousands of tasks; the threads get a chance at the mutex after so many.
constexpr std::size_t kTasksPerRound = 256;

// More than this waits for nothing.
constexpr std::size_t kMostHeldBytes = std::size_t{256} << 10;

// What an outcome takes on the wire beside its value, roughly.
constexpr std::size_t kDoneOverheadBytes = 32;

// What the place of a value takes.
constexpr std::size_t kKeptBytes = 256;

std::size_t wire_bytes(const SendDone& done) {
  if (const auto* value = std::get_if<std::string>(&done.result)) {
    return value->size() + kDoneOverheadBytes;
  }
  if (std::holds_alternative<Kept>(done.result)) return kKeptBytes + kDoneOverheadBytes;
  const auto& failure = std::get<Failure>(done.result);
  return failure.type.size() + failure.text.size() + failure.task.size() + kDoneOverheadBytes;
}

}  // namespace

void Inbound::clear() {
  plans.clear();
  tasks.clear();
  cancels.clear();
  forgotten.clear();
  freed.clear();
  gone_clients.clear();
  unshared.clear();
}

void Outbound::clear() {
  done.clear();
  waits.clear();
  returned.clear();
  status.reset();
  leaving = false;
}

class Driver::Round {
 public:
  explicit Round(Driver& driver) : driver_(driver), lock_(driver.mutex_) {}
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;
  ~Round() {
    claim();
    if (lock_.owns_lock()) lock_.unlock();
    after();
  }

  void handle(Event&& event) {
    driver_.core_.handle(std::move(event), driver_.actions_);
    for (Action& action : driver_.actions_) {
      std::visit([this](auto& specific) { driver_.apply(*this, specific); }, action);
    }
    driver_.actions_.clear();
  }

  void wake(Slot& slot) { to_wake_.push_back(&slot); }

  // Ends the critical section for as long as wake-ups and the pump take, when there are any.
  void settle() {
    claim();
    if (!outlet_ && to_wake_.empty()) return;
    lock_.unlock();
    after();
    lock_.lock();
  }

  // What there is to send may wait for more.
  void hold() { holding_ = true; }

  std::unique_lock<std::mutex>& lock() { return lock_; }

 private:
  void claim() {
    if (holding_) return;
    const bool due = !driver_.outbound_.empty() || driver_.left_;
    if (!due || driver_.writing_ || !driver_.outlet_) return;
    driver_.writing_ = true;
    outlet_ = driver_.outlet_;
  }

  void after() {
    for (Slot* slot : to_wake_) slot->wake.notify_one();
    to_wake_.clear();
    if (outlet_) std::exchange(outlet_, nullptr)->pump();
  }

  Driver& driver_;
  std::unique_lock<std::mutex> lock_;
  std::vector<Slot*> to_wake_;  // stays unallocated while every thread is awake
  std::shared_ptr<Outlet> outlet_;
  bool holding_ = false;
};

Driver::Driver(const CoreOptions& options, std::shared_ptr<ValueStore> values)
    : values_(std::move(values)), core_(options), places_(options.threads), slots_(options.threads) {}

void Driver::connected(std::shared_ptr<Outlet> outlet) {
  std::vector<ValueStore::Value> values;  // destroyed outside of the mutex
  Round round(*this);
  values = values_->clear();
  round.handle(Connected{});
  plans_.clear();
  outbound_.clear();
  outbound_bytes_ = 0;
  held_ = false;  // of an earlier session
  outlet_ = std::move(outlet);
  writing_ = true;
}

void Driver::disconnected() {
  std::shared_ptr<Outlet> last;  // released outside of the mutex
  std::vector<ValueStore::Value> values;
  std::vector<std::stop_source> to_stop;
  {
    Round round(*this);
    values = values_->clear();
    round.handle(Disconnected{});
    for (Slot& slot : slots_) disown(slot, to_stop);
    plans_.clear();
    outbound_.clear();
    outbound_bytes_ = 0;
    last = std::move(outlet_);
    outlet_.reset();
  }
  stop_requests_.add(std::move(to_stop));
  detail::clear_shared_values();  // clients have other numbers in the next session
}

void Driver::arrived(Inbound& inbound) {
  {
    Round round(*this);
    if (!outlet_) {  // of a session that was not accepted
      inbound.clear();
      return;
    }
    for (Inbound::Plan& plan : inbound.plans) {
      plans_[plan.plan] = std::move(plan.runnable);
      round.handle(PlanArrived{plan.plan});
    }
  }
  for (std::size_t begin = 0; begin < inbound.tasks.size(); begin += kTasksPerRound) {
    const std::size_t end = std::min(begin + kTasksPerRound, inbound.tasks.size());
    Round round(*this);
    for (std::size_t i = begin; i < end; ++i) round.handle(std::move(inbound.tasks[i]));
  }
  if (!inbound.cancels.empty() || !inbound.forgotten.empty() || !inbound.gone_clients.empty()) {
    std::sort(inbound.cancels.begin(), inbound.cancels.end());
    std::vector<std::stop_source> to_stop;
    {
      Round round(*this);
      disown(inbound, to_stop);
      if (!inbound.cancels.empty()) round.handle(TasksCancelled{std::move(inbound.cancels)});
      for (const PlanId plan : inbound.forgotten) round.handle(PlanForgotten{plan});
    }
    stop_requests_.add(std::move(to_stop));
  }
  if (!inbound.freed.empty()) values_->free(inbound.freed);
  for (const ClientId client : inbound.gone_clients) {
    values_->drop(client);
    detail::drop_shared_values(static_cast<std::uint64_t>(client));
  }
  for (const std::string& name : inbound.unshared) detail::drop_shared_value(name);
  inbound.clear();
}

Take Driver::take(Outbound& out, std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_CHECK(out.empty());
  if (outbound_.empty()) {
    if (left_) return Take::kFinished;
    writing_ = false;
    return Take::kNothing;
  }
  if (outbound_bytes_ <= max_bytes) {
    std::swap(out, outbound_);  // both keep their capacity
    outbound_bytes_ = 0;
    return Take::kBatch;
  }
  std::size_t bytes = 0;
  auto end = outbound_.done.begin();
  do {
    bytes += wire_bytes(*end);
    ++end;
  } while (end != outbound_.done.end() && bytes + wire_bytes(*end) <= max_bytes);
  out.done.assign(std::make_move_iterator(outbound_.done.begin()), std::make_move_iterator(end));
  outbound_.done.erase(outbound_.done.begin(), end);
  outbound_bytes_ -= bytes;
  // The rest is small, and the sooner the scheduler knows of it the better.
  std::swap(out.waits, outbound_.waits);
  std::swap(out.returned, outbound_.returned);
  std::swap(out.status, outbound_.status);
  std::swap(out.leaving, outbound_.leaving);
  return Take::kBatch;
}

bool Driver::flush() {
  const Round round(*this);
  return std::exchange(held_, false);
}

void Driver::report(const Usage& usage) {
  Round round(*this);
  usage_ = usage;
  round.handle(StatusDue{});
}

const Job* Driver::first(std::uint32_t thread) {
  std::unique_lock lock(mutex_);
  return await(thread, lock);
}

const Job* Driver::next(std::uint32_t thread, Result&& result, Duration run) {
  // What may be large is freed outside of the mutex; a value, when nobody waits for it any more.
  std::shared_ptr<const StoredValue> value;
  if (const Kept* kept = std::get_if<Kept>(&result)) value = kept->value;
  absl::Cord input, kept_input;
  Round round(*this);
  Slot& slot = slots_[thread];
  input.swap(slot.job.input);
  kept_input.swap(slot.job.kept);
  slot.assigned = false;
  slot.waits = false;
  if (std::exchange(slot.lost, false)) --lost_threads_;
  if (slot.timed_out) result = timed_out(*slot.job.plan);
  round.handle(ThreadFinished{thread, std::move(result), run});
  if (slot.assigned && !stopped_) {
    if (may_hold(run)) {
      round.hold();
      if (!std::exchange(held_, true)) outlet_->remind();
    }
    return &slot.job;
  }
  round.settle();
  return await(thread, round.lock());
}

void Driver::waits(std::uint32_t thread, absl::FunctionRef<void(std::uint32_t)> start) {
  Round round(*this);
  if (slots_[thread].waits) return;  // it goes on without a place
  if (!core_.may_wait()) {
    throw Error("this task waits for others, as " + std::to_string(kMaxWaitingTasks) +
                " tasks on this worker do already, which is the limit: submit fewer such tasks at a time");
  }
  if (core_.needs_thread_to_wait()) {
    const std::uint32_t added = core_.next_thread();
    if (added == slots_.size()) slots_.emplace_back();
    start(added);  // throws: the slot is for the next
    core_.add_thread();
  }
  slots_[thread].waits = true;
  round.handle(ThreadWaits{thread});
}

void Driver::wants_on(std::uint32_t thread) {
  Round round(*this);
  Slot& slot = slots_[thread];
  const auto may_go_on = [&] { return !slot.waits || slot.stopping || stopped_; };
  if (!may_go_on()) round.handle(ThreadWantsOn{thread});
  if (!may_go_on()) {
    round.settle();
    slot.wake.wait(round.lock(), may_go_on);
  }
  if (slot.waits) round.handle(ThreadGoesOn{thread});
}

void Driver::leave() {
  leaving_ = true;
  Round(*this).handle(LeaveRequested{});
}

void Driver::stop() {
  std::vector<std::stop_source> to_stop;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (Slot& slot : slots_) {
      slot.wake.notify_one();
      disown(slot, to_stop);
    }
  }
  stop_requests_.add(std::move(to_stop));
}

Snapshot Driver::snapshot() const {
  const std::lock_guard lock(mutex_);
  return core_.snapshot();
}

void Driver::apply(Round& round, Execute& action) {
  Slot& slot = slots_[action.thread];
  const auto plan = plans_.find(action.plan);
  PENSTOCK_CHECK(plan != plans_.end() && !slot.assigned);
  slot.job.task = action.task;
  slot.job.attempt = action.attempt;
  slot.job.input = std::move(action.input);
  slot.job.kept = std::move(action.kept);
  slot.job.client = action.client;
  // Mostly the same plan as before; then the shared count, which all threads touch, stays alone.
  if (slot.job.plan != plan->second) slot.job.plan = plan->second;
  slot.assigned = true;
  slot.unwanted = false;
  slot.timed_out = false;
  // Asked, or about to be: that was meant for the task before.
  if (std::exchange(slot.stopping, false)) slot.job.stop = std::stop_source();
  slot.due = TimePoint::max();
  if (slot.job.kept.empty()) watch_time(slot);
  if (slot.asleep) round.wake(slot);
}

void Driver::watch_time(Slot& slot) {
  const Duration timeout = slot.job.plan->timeout;
  if (timeout == Duration{0}) return;
  slot.due = std::chrono::steady_clock::now() + std::min<Duration>(timeout, std::chrono::hours(24 * 365));
  if (slot.due >= next_check_) return;
  next_check_ = slot.due;
  if (outlet_) outlet_->look_at_the_time();
}

void Driver::begins(std::uint32_t thread) {
  const std::lock_guard lock(mutex_);
  watch_time(slots_[thread]);
}

bool Driver::has_lost_a_thread() const {
  const std::lock_guard lock(mutex_);
  return lost_threads_ > 0;
}

bool Driver::has_lost_all_threads() const {
  const std::lock_guard lock(mutex_);
  const auto has_lost_place = [](const Slot& slot) { return slot.lost && !slot.waits; };
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), has_lost_place)) >= places_;
}

Driver::TimePoint Driver::check_time(TimePoint now) {
  std::vector<std::stop_source> to_stop;
  TimePoint next = TimePoint::max();
  {
    Round round(*this);
    for (std::uint32_t thread = 0; thread < slots_.size(); ++thread) {
      Slot& slot = slots_[thread];
      if (!slot.assigned) continue;
      if (slot.due <= now) {
        if (!std::exchange(slot.timed_out, true)) {
          slot.stopping = true;
          slot.wake.notify_one();
          to_stop.push_back(slot.job.stop);
          slot.due = now + kGrace;
        } else {
          slot.due = TimePoint::max();
          slot.lost = true;
          ++lost_threads_;
          round.handle(TaskOverdue{thread, timed_out(*slot.job.plan)});
        }
      }
      next = std::min(next, slot.due);
    }
    next_check_ = next;
  }
  stop_requests_.add(std::move(to_stop));
  return next;
}

void Driver::apply(Round& round, GoOn& action) {
  Slot& slot = slots_[action.thread];
  slot.waits = false;
  round.wake(slot);
}

void Driver::apply(Round&, DropPlan& action) { plans_.erase(action.plan); }

void Driver::apply(Round&, SendDone& action) {
  if (const Kept* kept = std::get_if<Kept>(&action.result)) {
    const Slot& slot = slots_[action.thread];
    if (!slot.unwanted) values_->hold(slot.job.client, {action.task, action.attempt}, kept->value);
  }
  outbound_bytes_ += wire_bytes(action);
  outbound_.done.push_back(std::move(action));
}

void Driver::apply(Round&, SendWaits& action) { outbound_.waits.push_back(action); }

void Driver::apply(Round&, SendReturned& action) { outbound_.returned.push_back(action.task); }

void Driver::apply(Round&, SendLeaving&) { outbound_.leaving = true; }

void Driver::apply(Round&, SendStatus& action) {
  outbound_.status = Status{usage_, action.running, action.queued};
}

void Driver::apply(Round&, Left&) { left_ = true; }

// The values of what runs for nobody would stay for ever. `inbound.cancels` are sorted.
void Driver::disown(const Inbound& inbound, std::vector<std::stop_source>& to_stop) {
  const std::vector<ClientId>& gone = inbound.gone_clients;
  for (Slot& slot : slots_) {
    if (std::binary_search(inbound.cancels.begin(), inbound.cancels.end(), slot.job.task) ||
        std::find(gone.begin(), gone.end(), slot.job.client) != gone.end()) {
      disown(slot, to_stop);
    }
  }
}

void Driver::disown(Slot& slot, std::vector<std::stop_source>& to_stop) {
  slot.unwanted = true;
  if (!slot.assigned || slot.stopping) return;
  slot.stopping = true;
  slot.wake.notify_one();
  to_stop.push_back(slot.job.stop);
}

bool Driver::may_hold(Duration run) const {
  return outlet_ && !writing_ && run < proto_limits::kLongestHold && outbound_bytes_ < kMostHeldBytes &&
         outbound_.done.size() < core_.queued() && outbound_.waits.empty() &&
         outbound_.returned.empty() && !outbound_.status && !outbound_.leaving;
}

const Job* Driver::await(std::uint32_t thread, std::unique_lock<std::mutex>& lock) {
  Slot& slot = slots_[thread];
  if (!slot.assigned && core_.has_spare_thread()) {
    core_.remove_thread(thread);
    return nullptr;
  }
  slot.asleep = true;
  slot.wake.wait(lock, [&] { return slot.assigned || stopped_; });
  slot.asleep = false;
  return stopped_ ? nullptr : &slot.job;
}

}  // namespace penstock::worker
