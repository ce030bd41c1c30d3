#include "tests/support/simulation/stream.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace penstock::simulation {

Stream::Stream(Environment& environment, ClientProcess& client, StreamSpec spec)
    : environment_(environment),
      client_(client),
      life_(std::make_shared<Life>()),
      spec_(std::move(spec)),
      function_(spec_.function),
      second_(spec_.second),
      window_(std::make_shared<client::Window>(spec_.window)) {
  renew_plans();
  queue_ = std::make_shared<detail::OrderedQueue>(
      [this] { after(Duration(1'000), [this] { pump(); }); });
}

Stream::~Stream() {
  life_->alive = false;
  queue_->abandon();
  // Cells that never settle are known to those who wait for them, and know those.
  for (auto& emitted : emitted_) forget_what_it_is_on(*emitted.last);
}

void Stream::forget_what_it_is_on(Link& link) {
  link.task = nullptr;
  for (const auto& each : std::exchange(link.on, {})) forget_what_it_is_on(*each);
}

void Stream::renew_plans() {
  plan_ = client_.make_plan(function_, spec_.modules);
  if (spec_.shape != Shape::kTask) second_plan_ = client_.make_plan(second_, spec_.modules);
}

// Also while the client's process is frozen, nothing of the stream happens.
template <class Callback>
void Stream::after(Duration delay, Callback callback) {
  client_.after_in_process(delay, [life = life_, callback] {
    if (life->alive) callback();
  });
}

// ---- scatter ------------------------------------------------------------------------------------

void Stream::schedule_emit() {
  if (std::exchange(emit_scheduled_, true)) return;
  const Duration delay = std::max(next_emit_ - environment_.queue.now(), Duration{0});
  after(delay, [this] {
    emit_scheduled_ = false;
    emit();
  });
}

void Stream::emit() {
  while (next_ < spec_.elements) {
    if (environment_.queue.now() < next_emit_) return schedule_emit();
    std::string input = std::to_string(spec_.number) + '/' + std::to_string(next_);
    input.resize(input.size() + hash_of(input, 7) % 50, '.');
    if (!window_->has_place(input.size())) return;  // goes on when a place is free
    emit_one(std::move(input));
    next_emit_ = environment_.queue.now() + environment_.random.between(Duration{0}, spec_.period);
  }
}

void Stream::emit_one(std::string input) {
  if (environment_.random.chance(spec_.renew_percent)) {
    if (environment_.random.chance(50)) ++function_.salt;
    renew_plans();
  }
  auto place = take_place(input.size());
  auto last = first_link(std::move(input));
  const LinkPtr before = std::exchange(before_, last);
  if (spec_.shape == Shape::kLong) last = follow({last}, 'm', detail::Want::kAnywhere);
  if (spec_.shape != Shape::kTask) {
    std::vector<LinkPtr> on{last};
    if (spec_.shape == Shape::kPairs && before) on.push_back(before);
    last = follow(std::move(on), 'b', detail::Want::kHere);
  }
  emitted_.push_back({next_++, last});
  queue_->push(std::move(place), last->result);
  if (environment_.random.chance(spec_.cancel_percent)) {
    after(environment_.random.between(Duration{0}, 4 * function_.mean_run),
          [this] { cancel_one(); });
  }
  if (next_ == spec_.elements) queue_->push_end({});
}

Stream::LinkPtr Stream::first_link(std::string input) {
  WhereToRun where;
  if (environment_.random.chance(spec_.near_percent)) where.worker = environment_.some_worker();
  where.only = !where.worker.empty() && spec_.pinned;
  const auto want = spec_.shape == Shape::kTask ? detail::Want::kHere : detail::Want::kAnywhere;
  auto link = std::make_shared<Link>(Link{{}, std::move(input), function_, where.only});
  link->task = link->result = client_.submit(plan_, link->input, want, where);
  return link;
}

Stream::LinkPtr Stream::follow(std::vector<LinkPtr> on, char kind, detail::Want want) {
  auto link = std::make_shared<Link>();
  link->input = kind + std::to_string(spec_.number) + '/' + std::to_string(next_) + '|';
  link->function = second_;
  link->missing = on.size();
  link->result = std::make_shared<detail::Cell>();
  link->on = on;
  for (const auto& each : on) {
    each->result->watch([this, life = life_, link, want] {
      if (life->alive && --link->missing == 0) submit(link, want);
    });
  }
  return link;
}

void Stream::submit(const LinkPtr& link, detail::Want want) {
  detail::Encoded input(link->input);
  for (const auto& each : link->on) {
    const auto& outcome = each->result->outcome();
    if (outcome.error) return link->result->settle(outcome);
    input.add(outcome);
  }
  link->task = client_.submit(second_plan_, std::move(input), want);
  link->task->watch([link] { link->result->settle(link->task->outcome()); });
}

// The production queue carries a place without looking at it.
detail::TicketPtr Stream::take_place(std::size_t bytes) {
  window_->take(bytes);
  std::shared_ptr<void> place(nullptr, [this, window = window_, life = life_, bytes](void*) {
    window->release(bytes);
    if (life->alive) schedule_emit();
  });
  return {std::move(place), static_cast<detail::Ticket*>(nullptr)};
}

void Stream::cancel_one() {
  if (emitted_.empty()) return;
  Emitted& chosen = environment_.random.pick(emitted_);
  const auto cell = chosen.last->task;
  if (!cell) return;
  // Before the call: it may be delivered in it.
  const bool settled = cell->settled();
  const bool cancelled = client_.cancel(cell);
  if (cancelled) chosen.cancelled = true;
  if (cancelled == settled) fail("a cancel and an outcome disagree");
}

// ---- gather -------------------------------------------------------------------------------------

void Stream::pump() {
  while (auto item = queue_->pop()) {
    deliver(*item);
    item.reset();  // frees the place
    if (!environment_.random.chance(spec_.slow_sink_percent)) continue;
    return after(environment_.random.between(Duration{0}, 4 * function_.mean_run),
                 [this] { pump(); });
  }
}

void Stream::deliver(const detail::OrderedQueue::Item& item) {
  if (ended_) return fail("something came after the end");
  if (!item.cell) {
    ended_ = true;
    if (delivered_ != spec_.elements) fail("the end came before the last element");
    return;
  }
  if (emitted_.empty() || emitted_.front().last->result != item.cell) return fail("not in order");
  if (!item.cell->settled()) return fail("delivered without an outcome");
  const Emitted emitted = std::move(emitted_.front());
  emitted_.pop_front();
  ++delivered_;
  environment_.report.note("deliver (stream, index)", spec_.number, emitted.index);
  window_->observe(item.cell->outcome().run, item.cell->outcome().size(), client_.threads());
  check(emitted, item.cell->outcome());
}

std::string Stream::run(const Link& link, Expected& expected) {
  std::string input = link.input;
  for (const auto& each : link.on) input += run(*each, expected);
  expected.inputs.push_back(own_part(input));
  Function asker = link.function;
  for (std::string asking = input; asker.asks(asking); asker = asker.asked()) {
    asking = Function::asked_input(asking);
    expected.asked.push_back(asking);
  }
  expected.pinned = expected.pinned || link.pinned;
  if (!expected.raises.empty() || expected.kills) return "";
  expected.kills = link.function.kills(input);
  if (link.function.raises(input)) expected.raises = input;
  return link.function.value(input);
}

void Stream::check(const Emitted& emitted, const detail::Outcome& outcome) {
  Expected expected;
  expected.value = run(*emitted.last, expected);
  if (outcome.error) {
    try {
      std::rethrow_exception(outcome.error);
    } catch (const TaskFailed& failed) {
      return check(emitted, expected, failed.failure);
    }
  }
  if (emitted.cancelled) return fail("a cancelled element has a value");
  if (!expected.raises.empty() || expected.kills) return fail("an element that fails has a value");
  if (outcome.value != expected.value) fail("wrong value");
}

void Stream::check(const Emitted& emitted, const Expected& expected, const scheduler::Failure& failure) {
  using Kind = scheduler::FailureKind;
  if ((failure.kind == Kind::kCancelled) != emitted.cancelled) return fail("cancelled by nobody");
  if (emitted.cancelled) return;
  const auto are_to_blame = [&](const std::vector<std::string>& inputs) {
    unsigned deaths = 0;
    for (const auto& input : inputs) deaths = std::max(deaths, environment_.deaths[input]);
    return deaths >= environment_.terms.max_lost_workers;
  };
  if (failure.kind == Kind::kRaised && failure.text.starts_with("lost what ")) {
    if (!are_to_blame(expected.asked)) fail("nothing that it asked for was lost");
    return;
  }
  if (failure.kind == Kind::kRaised && !expected.raises.empty()) {
    if (failure.text != "cannot take " + expected.raises) fail("the error of another element");
    return;
  }
  const bool has_no_other_worker = failure.kind == Kind::kWorkerLost || failure.kind == Kind::kNoWorker ||
                                   failure.kind == Kind::kCodeNotAvailable || failure.kind == Kind::kRefused;
  if (expected.pinned && has_no_other_worker) return;
  if (failure.kind == Kind::kWorkerLost) {
    if (!are_to_blame(expected.inputs)) fail("blamed for the loss of workers, but too few died while it ran");
    return;
  }
  fail("failed with kind " + std::to_string(static_cast<int>(failure.kind)) + ": " + failure.text);
}

void Stream::fail(const std::string& problem) {
  environment_.report.fail(progress() + ": " + problem);
}

std::string Stream::progress() const {
  return "stream " + std::to_string(spec_.number) + " of client " +
         std::to_string(client_.number()) + " (" + std::to_string(next_) + " of " +
         std::to_string(spec_.elements) + " emitted, " + std::to_string(delivered_) +
         " delivered, " + std::to_string(window_->elements()) + " in the window of " +
         std::to_string(window_->capacity()) + ")";
}

}  // namespace penstock::simulation
