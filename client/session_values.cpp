// The session's values that stay on workers: where they are, reading them, and having lost ones made again.
//
// A worker keeps a large result and says where. Who wants it here reads it there (read(), bring()); a task that
// it is an input of is told where it is, and its worker reads it. A value is gone with its worker, or with this
// session's connection; whoever misses it first has its task run again. So it is never more than a copy: the task
// is in the ledger or in the Kept, with all that it needs.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "client/kept_value.hpp"
#include "client/log.hpp"
#include "client/session.hpp"
#include "client/session_plan.hpp"
#include "penstock/task_error.hpp"
#include "proto/limits.hpp"

namespace penstock::client {
namespace {

// A smaller argument is copied twice in the time that it takes to share it.
constexpr std::size_t kLeastShared = std::size_t{256} << 10;

// Times that the inputs of one task are made again; more means that it cannot work. Workers may die often while it
// waits; values that cannot be read where they are travel before.
constexpr unsigned kMostLostInputs = 100;

// Of values, one after the other, before all of them travel with their outcomes.
constexpr unsigned kMostFailedReads = 2;

std::exception_ptr cancelled() {
  return make_task_error({TaskErrorKind::kCancelled, "", "the client is closed", "", "", 0});
}

detail::Outcome outcome_of(proto_values::Bytes bytes) {
  const auto holder = std::make_shared<const proto_values::Bytes>(std::move(bytes));
  detail::Outcome outcome;
  outcome.large = {holder, &holder->view};
  return outcome;
}

}  // namespace

// ---- arguments ----------------------------------------------------------------------------------

Session::TaskInput Session::input_of(detail::Encoded&& from) const {
  TaskInput input;
  input.uses = std::move(from.uses);
  for (auto& part : from.kept) {
    auto hold = std::static_pointer_cast<Hold>(std::move(part.value));
    input.kept.push_back({part.at, hold->kept, hold});
  }
  if (input.kept.empty() && shares_inputs_) share(input, from.bytes);
  if (!input.shared) input.bytes = absl::Cord(std::move(from.bytes));
  return input;
}

// Where it is large enough, and there is memory for it.
void Session::share(TaskInput& input, std::string_view bytes) const {
  if (bytes.size() < kLeastShared) return;
  auto shared = proto_values::SharedBytes::make(bytes);
  auto mapped = shared.ok() ? (*shared)->map() : shared.status();
  if (!mapped.ok()) return;
  input.shared = *std::move(shared);
  input.bytes = absl::MakeCordFromExternal({mapped->view.data(), mapped->view.size()}, [owner = mapped->owner] {});
}

// What a task that is done was made of: holds no values and no descriptors.
Session::TaskInput Session::recipe_of(const TaskInput& input) {
  TaskInput recipe = input;
  recipe.shared = nullptr;
  for (auto& part : recipe.kept) part.hold = nullptr;
  return recipe;
}

// For another task.
Session::TaskInput Session::again(const TaskInput& recipe) const {
  TaskInput input = recipe;
  for (auto& part : input.kept) part.hold = hold(part.value);
  // Larger ones cannot travel.
  if (shares_inputs_ && input.bytes.size() > proto_limits::kMaxValueBytes) {
    const absl::string_view bytes = absl::Cord(recipe.bytes).Flatten();
    share(input, {bytes.data(), bytes.size()});
  }
  return input;
}

std::shared_ptr<Session::Hold> Session::hold(const KeptPtr& value) { return std::make_shared<Hold>(value); }

bool Session::is_foreign(const detail::Encoded& input) const {
  return std::any_of(input.kept.begin(), input.kept.end(), [this](const detail::KeptPart& part) {
    return static_cast<const Hold&>(*part.value).kept->freed != freed_values_;
  });
}

// Values of another client: they come here, and travel with the task.
detail::CellPtr Session::submit_when_here(const detail::PlanPtr& plan, detail::Encoded input, detail::Want want) {
  auto result = std::make_shared<detail::Cell>();
  const auto uses = input.uses;
  const auto here = bring(std::move(input));
  here->watch([weak = weak_from_this(), plan, want, here, result, uses] {
    const auto session = weak.lock();
    if (here->outcome().error) return result->settle({"", here->outcome().error, {}});
    if (!session) return result->settle({"", cancelled(), {}});
    detail::Encoded all(here->outcome());
    all.uses = uses;
    const auto cell = session->submit(plan, std::move(all), want);
    cell->watch([cell, result] { result->settle(cell->outcome()); });
  });
  return result;
}

// Why no task may have this input; empty when it may.
std::string Session::refusal_of(const TaskInput& input) const {
  const std::size_t bytes = input.bytes.size();
  if (bytes <= proto_limits::kMaxValueBytes || input.shared) return "";
  return fmt::format("the argument has {} bytes; at most {} fit into one task: split it", bytes,
                     proto_limits::kMaxValueBytes);
}

// A value of many generations travels with its outcome, and the tasks that led to it are forgotten: what a chain
// of tasks keeps for being made again is bounded. Not values that hardly can travel.
bool Session::cuts_chain(const TaskInput& input) {
  constexpr unsigned kMostGenerations = 64;
  return std::any_of(input.kept.begin(), input.kept.end(), [](const TaskInput::Part& part) {
    return part.value->generation >= kMostGenerations && part.value->size <= proto_limits::kMaxValueBytes / 4;
  });
}

Session::Kept::Kept(std::weak_ptr<Session> of_session, PlanPtr of_plan, TaskInput of_input, v1::KeptValue at,
                    std::uint64_t made_in, std::shared_ptr<FreedValues> when_freed)
    : session(std::move(of_session)),
      plan(std::move(of_plan)),
      input(std::move(of_input)),
      size(at.size()),
      generation(std::accumulate(input.kept.begin(), input.kept.end(), 1U,
                                 [](unsigned most, const TaskInput::Part& part) {
                                   return std::max(most, part.value->generation + 1);
                                 })),
      state(std::move(at), made_in),
      freed(std::move(when_freed)) {}

// With the lock held. False: it waits for one that is made again, and is sent anew then.
bool Session::inputs_are_there(std::uint64_t id, Entry& entry) {
  using Need = decltype(Kept::state)::Need;
  bool all = true;
  for (auto& part : entry.input.kept) {
    const Need need = part.value->state.needed_by(id, epoch_);
    if (need == Need::kMake) make_again(part.value);
    all = all && need == Need::kReady;
  }
  return all;
}

// With the lock held. Says where the inputs are; returns the bytes that travel.
absl::Cord Session::add_inputs(v1::Submit& submit, TaskInput& input) const {
  v1::KeptInputs kept;
  if (input.shared) {
    auto& value = *kept.add_inputs()->mutable_value();
    value.set_size(input.shared->size());
    auto& memory = *value.mutable_memory();
    memory.set_machine(proto_values::this_machine());
    memory.set_process(static_cast<std::uint32_t>(getpid()));
    memory.set_fd(static_cast<std::uint32_t>(input.shared->descriptor()));
    memory.set_name(input.shared->name());
    submit.set_kept(kept.SerializeAsString());
    return {};
  }
  absl::Cord bytes;
  std::size_t done = 0;  // of the input's own
  std::map<std::string_view, std::size_t> of_worker;  // bytes
  for (auto& part : input.kept) {
    const Kept& value = *part.value;
    part.version = value.state.version();
    part.place.reset();
    bytes.Append(input.bytes.Subcord(done, part.at - done));
    done = part.at;
    if (value.state.is_here()) {
      bytes.Append(value.state.bytes());
      continue;
    }
    part.place = static_cast<std::uint32_t>(kept.inputs_size());
    auto& added = *kept.add_inputs();
    added.set_at(bytes.size());
    *added.mutable_value() = value.state.where();
    of_worker[value.state.where().worker()] += value.size;
  }
  if (!submit.pinned() && !of_worker.empty()) {
    const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
    submit.set_near(std::string(std::max_element(of_worker.begin(), of_worker.end(), fewer)->first));
  }
  bytes.Append(input.bytes.Subcord(done, input.bytes.size() - done));
  if (kept.inputs_size() > 0) submit.set_kept(kept.SerializeAsString());
  return bytes;
}

// With the lock held. False: the failure counts.
bool Session::input_was_lost(std::uint64_t id, const v1::Failure& failure) {
  Entry* const entry = ledger_.find(id);
  if (entry == nullptr) return true;  // cancelled
  if (++entry->lost_inputs > kMostLostInputs) return false;
  entry->lost_workers = failure.lost_workers();
  if (entry->input.shared) {
    // There are workers on other machines.
    shares_inputs_ = false;
    entry->input.shared = nullptr;
    if (!refusal_of(entry->input).empty()) return false;
  } else if (entry->input.kept.empty()) {
    return false;
  }
  // Not the others: tasks that need those too may be on their way.
  const auto& lost = failure.lost_inputs();
  for (auto& part : entry->input.kept) {
    const bool is_lost = part.place && std::find(lost.begin(), lost.end(), *part.place) != lost.end();
    if (is_lost || lost.empty()) lose(*part.value, part.version);
  }
  send_anew(id);
  return true;
}

// ---- lost values --------------------------------------------------------------------------------

// With the lock held. Its `version` could not be read.
void Session::lose(Kept& value, unsigned version) {
  if (!value.state.lose(version)) return;
  freed_values_->add(value.state.where(), value.state.epoch());  // it may be there, and out of reach
  ++value.failed_reads;
}

// With the lock held.
void Session::make_again(const KeptPtr& value) {
  Entry entry{value->plan, again(value->input), std::make_shared<detail::Cell>(), detail::Want::kAnywhere};
  entry.makes = value;
  // Wherever it was, it was of no use.
  if (value->failed_reads >= kMostFailedReads && value->size <= proto_limits::kMaxValueBytes) entry.unread = 1;
  const auto cell = entry.cell;
  cell->id = add(std::move(entry));
  to_send_.push_back(cell->id);
}

// With the lock held. The outcome of the task that made it came here.
void Session::made_again(KeptPtr value, const detail::Outcome& outcome, Arrived& arrived) {
  const auto held = hold(value);  // if nobody else does any more, it goes with this
  const std::exception_ptr error = outcome.error;  // `outcome` may be one of `arrived`, which grows
  if (!error) {
    const absl::string_view bytes(outcome.bytes().data(), outcome.bytes().size());
    for (const auto id : value->state.made_here(absl::Cord(bytes))) send_anew(id);
    return;
  }
  for (const auto id : value->state.failed()) {
    auto entry = take(id);
    if (!entry) continue;
    const KeptPtr makes = entry->makes;  // another value, of this one
    arrived.settled.push_back({std::move(*entry), {"", error, {}}});
    if (makes) made_again(makes, {"", error, {}}, arrived);
  }
}

// ---- values of outcomes -------------------------------------------------------------------------

// With the lock held.
void Session::received_kept(std::uint64_t id, const absl::Cord& payload, Duration run, Arrived& arrived) {
  v1::KeptValue where;
  const bool readable = where.ParseFromString(std::string(payload));
  Entry* const sent = ledger_.find(id);
  if (sent == nullptr) {  // cancelled
    if (readable) freed_values_->add(where, epoch_);
    return;
  }
  sent->plan->batching.observe(run, 1);
  if (readable && sent->want == detail::Want::kHere && !sent->makes) {
    arrived.unread.push_back({id, std::move(where), epoch_, run});
    return;
  }
  auto entry = take(id);
  detail::Outcome outcome;
  outcome.run = run;
  if (!readable) {
    outcome.error = make_task_error({TaskErrorKind::kBadArguments, "", "the worker did not say where the value is",
                                     entry->plan->definition.label(), "", 0});
  } else if (entry->makes) {
    for (const auto waiting : entry->makes->state.made_there(std::move(where), epoch_)) send_anew(waiting);
    outcome.kept.push_back({0, hold(entry->makes)});
  } else {
    outcome.kept.push_back({0, hold(std::make_shared<Kept>(weak_from_this(), entry->plan, recipe_of(entry->input),
                                                           std::move(where), epoch_, freed_values_))});
  }
  for (const auto& part : entry->input.kept) part.value->failed_reads = 0;
  if (entry->makes && outcome.error) made_again(entry->makes, outcome, arrived);
  arrived.settled.push_back({std::move(*entry), std::move(outcome)});
}

void Session::read(Unread unread) {
  const auto where = unread.where;
  fetcher_.read(where, [weak = weak_from_this(), unread = std::move(unread)](
                           absl::StatusOr<proto_values::Bytes> bytes) {
    if (const auto session = weak.lock()) session->has_read(unread, std::move(bytes));
  });
}

void Session::has_read(const Unread& unread, absl::StatusOr<proto_values::Bytes> bytes) {
  freed_values_->add(unread.where, unread.epoch);
  std::optional<Entry> entry;
  {
    std::lock_guard lock(mutex_);
    note_read(bytes.status());
    if (bytes.ok()) {
      entry = take(unread.id);
    } else if (Entry* const lost = ledger_.find(unread.id); lost != nullptr && !closing_) {
      const bool can_travel = unread.where.size() <= proto_limits::kMaxValueBytes;
      if ((++lost->lost_inputs > 1 || keeps_nothing_) && can_travel) ++lost->unread;
      send_anew(unread.id);
    }
  }
  if (!entry) return;  // cancelled, or sent anew
  auto outcome = outcome_of(*std::move(bytes));
  outcome.run = unread.run;
  entry->cell->settle(std::move(outcome));
}

// With the lock held. Where no worker can be reached from here, nothing shall stay there.
void Session::note_read(const absl::Status& status) {
  if (status.ok()) {
    has_read_ = true;
  } else if (absl::IsUnavailable(status) && !has_read_ && ++failed_reads_ == kMostFailedReads) {
    keeps_nothing_ = true;
    log().warn("{}. Large results come through the scheduler from now on", std::string(status.message()));
  }
}

// ---- values of futures --------------------------------------------------------------------------

// Brings all parts of one value.
class Session::Bringing : public std::enable_shared_from_this<Bringing> {
 public:
  explicit Bringing(detail::Encoded value) : value_(std::move(value)), parts_(value_.kept.size()) {}

  detail::CellPtr start(Session& session) {
    missing_ = parts_.size() + 1;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      session.bring(static_cast<const Hold&>(*value_.kept[i].value).kept,
                    [self = shared_from_this(), i](detail::Outcome part) {
                      self->parts_[i] = std::move(part);
                      self->one_is_here();
                    });
    }
    one_is_here();
    return cell_;
  }

 private:
  void one_is_here() {
    if (--missing_ == 0) cell_->settle(all());
  }

  detail::Outcome all() {
    for (const auto& part : parts_) {
      if (part.error) return {"", part.error, {}};
    }
    if (parts_.size() == 1 && value_.bytes.empty()) return std::move(parts_.front());
    detail::Outcome outcome;
    std::size_t done = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      outcome.value.append(value_.bytes, done, value_.kept[i].at - done);
      done = value_.kept[i].at;
      outcome.value += parts_[i].bytes();
    }
    outcome.value.append(value_.bytes, done);
    return outcome;
  }

  const detail::Encoded value_;
  std::vector<detail::Outcome> parts_;
  std::atomic<std::size_t> missing_{0};
  const detail::CellPtr cell_ = std::make_shared<detail::Cell>();
};

detail::CellPtr Session::bring(detail::Encoded value) {
  return std::make_shared<Bringing>(std::move(value))->start(*this);
}

void Session::bring(const KeptPtr& value, std::function<void(detail::Outcome)> then) {
  if (value->freed != freed_values_) {
    const auto owner = value->session.lock();
    return owner ? owner->bring(value, std::move(then)) : then({"", cancelled(), {}});
  }
  v1::KeptValue where;
  unsigned version = 0;
  {
    std::unique_lock lock(mutex_);
    if (value->state.is_here()) {
      detail::Outcome outcome{std::string(value->state.bytes()), nullptr, {}};
      lock.unlock();
      return then(std::move(outcome));
    }
    if (value->state.is_there(epoch_)) {
      version = value->state.version();
      where = value->state.where();
    }
  }
  const auto run_again = [value, then](Session& session) {
    const auto cell =
        session.submit({value->plan, session.again(value->input), std::make_shared<detail::Cell>(), detail::Want::kHere});
    cell->watch([cell, then] { then(cell->outcome()); });
  };
  if (version == 0) return run_again(*this);
  fetcher_.read(std::move(where), [weak = weak_from_this(), value, version, then,
                                   run_again](absl::StatusOr<proto_values::Bytes> bytes) {
    if (bytes.ok()) return then(outcome_of(*std::move(bytes)));
    const auto session = weak.lock();
    if (!session || absl::IsCancelled(bytes.status())) return then({"", cancelled(), {}});
    {
      std::lock_guard lock(session->mutex_);
      session->note_read(bytes.status());
      session->lose(*value, version);
    }
    run_again(*session);
  });
}

// ---- freeing ------------------------------------------------------------------------------------

// With the lock held.
void Session::add_freed(v1::ClientBatch& batch, const std::vector<KeptPtr>& let_go) {
  for (const KeptPtr& value : let_go) {
    if (value->holds > 0) continue;  // somebody needs it again
    if (value->state.let_go()) freed_values_->add(value->state.where(), value->state.epoch());
  }
  for (auto& [value, epoch] : freed_values_->take()) {
    if (epoch != epoch_) continue;  // it went with its connection
    auto& groups = *batch.mutable_free();
    auto group = std::find_if(groups.rbegin(), groups.rend(),
                              [&](const v1::FreeValues& free) { return free.worker() == value.worker(); });
    v1::FreeValues& free = group == groups.rend() ? *groups.Add() : *group;
    if (free.worker().empty()) free.set_worker(value.worker());
    auto& name = *free.add_values();
    name.set_task(value.task());
    name.set_attempt(value.attempt());
  }
}

}  // namespace penstock::client

namespace penstock::detail {

CellPtr here(const std::weak_ptr<TaskPort>& port, const CellPtr& cell) {
  if (cell->settled() && cell->outcome().kept.empty()) return cell;
  auto result = std::make_shared<Cell>();
  result->follow(cell);
  cell->watch([port, cell, result] {
    const Outcome& outcome = cell->outcome();
    if (outcome.kept.empty()) return result->settle(outcome);
    const auto alive = port.lock();
    if (!alive) return result->settle({"", client::cancelled(), {}});
    const auto brought = alive->bring(Encoded(outcome));
    brought->watch([cell, brought, result] {
      Outcome here = brought->outcome();
      here.run = cell->outcome().run;
      result->settle(std::move(here));
    });
  });
  return result;
}

}  // namespace penstock::detail
