// The session's tasks: into the ledger, into messages, and out of both.
#include <algorithm>
#include <utility>

#include "client/core/hold.hpp"
#include "client/kept_value.hpp"
#include "client/log.hpp"
#include "client/session.hpp"
#include "client/session_plan.hpp"
#include "client/wire.hpp"
#include "penstock/failure.hpp"
#include "penstock/task_error.hpp"
#include "proto/limits.hpp"

namespace penstock::client {
namespace {

// After a reconnect, for the worker that alone may run a task.
constexpr std::chrono::seconds kWorkersReturn{10};
constexpr std::chrono::milliseconds kLookForWorker{200};

// So many tasks for other workers are passed over to fill a batch.
constexpr std::size_t kLookAhead = 512;

template <class Entry>
bool travels_alone(const Entry& entry) {
  return entry.alone || entry.makes || entry.unread > 0 || !entry.input.kept.empty() || entry.input.shared;
}

// For the same worker, or both for any.
template <class Entry>
bool go_together(const Entry& a, const Entry& b) {
  return a.near == b.near || (a.near && b.near && *a.near == *b.near);
}

}  // namespace

detail::CellPtr Session::submit(const detail::PlanPtr& plan, detail::Encoded input, detail::Want want,
                                detail::WorkerNamePtr near) {
  if (is_foreign(input)) return submit_when_here(plan, std::move(input), want);
  auto registered = std::static_pointer_cast<const RegisteredPlan>(plan);
  if (registered->local.active()) {
    if (auto cell = run_here(*registered, input)) return cell;
  }
  Entry entry{std::move(registered), input_of(std::move(input)), std::make_shared<detail::Cell>(), want};
  if (entry.plan->options().worker.empty()) entry.near = std::move(near);
  return submit(std::move(entry));
}

std::shared_ptr<void> Session::expect_task(std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    ++expected_;
    bytes_ += bytes;
  }
  return {nullptr, [weak = weak_from_this(), bytes](void*) {
            const auto session = weak.lock();
            if (!session) return;
            std::lock_guard lock(session->mutex_);
            --session->expected_;
            session->bytes_ -= bytes;
            if (session->room_waiters_ > 0) session->room_.notify_all();
          }};
}

detail::CellPtr Session::submit_again(const detail::FailedTask& task) {
  const auto& failed = static_cast<const Failed&>(task);
  return submit({failed.plan, again(failed.input), std::make_shared<detail::Cell>(), detail::Want::kAnywhere});
}

detail::CellPtr Session::submit(Entry entry) {
  auto cell = entry.cell;
  std::shared_ptr<Connection> connection;
  std::string refusal;
  {
    std::lock_guard lock(mutex_);
    refusal = why_ended();
    if (refusal.empty()) refusal = refusal_of(entry.input);
    if (refusal.empty()) {
      const std::size_t bytes = entry.input.bytes.size();
      cell->id = add(std::move(entry));
      const bool hold = may_hold({ledger_.size(), to_send_.size(), threads_}, bytes);
      to_send_.push_back(cell->id);
      if (!hold) {
        connection = connection_;
      } else if (!std::exchange(held_, true) && !keeper_flushes_) {
        changed_.notify_all();
      }
    }
  }
  if (!refusal.empty()) {
    const auto& label = entry.plan->definition.label();
    cell->settle({"", make_task_error({TaskErrorKind::kRefused, "", refusal, label, "", 0}), {}});
  } else if (connection) {
    connection->write();
  }
  return cell;
}

// With the lock held.
std::uint64_t Session::add(Entry entry) {
  bytes_ += entry.input.bytes.size();
  if (entry.plan->tasks++ == 0) ++busy_plans_;
  return ledger_.add(std::move(entry));
}

// With the lock held.
std::optional<Session::Entry> Session::take(std::uint64_t id) {
  auto entry = ledger_.settle(id);
  if (entry) {
    bytes_ -= entry->input.bytes.size();
    if (--entry->plan->tasks == 0) --busy_plans_;
    if (room_waiters_ > 0) room_.notify_all();
  }
  return entry;
}

void Session::cancel(const detail::CellPtr& cell) {
  std::optional<Entry> entry;
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    const Entry* const sent = ledger_.find(cell->id);
    if (sent != nullptr && sent->cell == cell) entry = take(cell->id);  // ids of another session mean nothing
    if (entry) {
      call_back(cell->id, entry->batch);
      connection = connection_;
    }
  }
  if (connection) connection->write();
  // One that waits for its arguments is not in the ledger yet.
  const std::string label = entry ? entry->plan->definition.label() : "";
  cell->settle(
      {"", make_task_error({TaskErrorKind::kCancelled, "", "the task was cancelled", label, "", 0}), {}});
}

// With the lock held. Of a batch only with the last one in it: the others go on.
void Session::call_back(std::uint64_t id, std::uint64_t batch) {
  const auto sent = batches_.find(batch);
  if (sent == batches_.end()) return to_cancel_.push_back(id);
  if (--sent->second.wanted > 0) return;
  batches_.erase(sent);
  to_cancel_.push_back(batch);
}

// ---- what the connection asks -------------------------------------------------------------------

void Session::welcomed(const v1::Welcome& welcome) {
  std::unique_lock lock(mutex_);
  welcomed_ = true;
  heartbeat_ = std::chrono::milliseconds(std::max(welcome.heartbeat_ms(), 1u));
  silence_ = std::chrono::milliseconds(std::max(welcome.silence_ms(), 1u));
  dashboard_ = welcome.dashboard();
  next_pause_ = options_.first_pause;
  // A new session knows nothing: everything that has no outcome is sent again, in the old order.
  if (epoch_++ > 0) reconnected_at_ = Clock::now();
  keeps_nothing_ = false;  // it may have been workers that died
  failed_reads_ = 0;
  plans_sent_.clear();
  to_forget_.clear();
  to_cancel_.clear();
  to_ask_.clear();
  for (const auto& [id, question] : questions_) to_ask_.push_back(id);
  publish_all_again();
  to_try_again_.clear();
  batches_.clear();
  if (program_) program_->stop_sending();
  const auto ids = ledger_.unsettled();
  for (const auto id : ids) ledger_.find(id)->batch = 0;
  to_send_.assign(ids.begin(), ids.end());
  if (complained_) {
    log().info("connected to the scheduler at {} again; {} tasks sent again", options_.address,
                 ids.size());
  }
  complained_ = false;
  report_ready(lock, absl::OkStatus());
}

void Session::received(Inbox& frame) {
  v1::ClientInbox& inbox = frame.batch;
  if (inbox.has_cluster()) {
    std::lock_guard lock(mutex_);
    workers_ = inbox.cluster().workers();
    threads_ = inbox.cluster().threads();
    changed_.notify_all();
  }
  if (!inbox.send_program().empty()) {
    std::lock_guard lock(mutex_);
    if (program_) program_->send(inbox.send_program());
  }
  // The book is closed for all of them first: no lock is held while cells settle.
  Arrived arrived;
  arrived.settled.reserve(inbox.outcomes_size());
  {
    std::lock_guard lock(mutex_);
    auto value = frame.payloads.begin();
    for (auto& outcome : *inbox.mutable_outcomes()) received(outcome, std::move(*value++), arrived);
  }
  settle(std::move(arrived.settled));
  for (const PlanPtr& plan : arrived.too_short) consider_local_run(*plan, plan->batching.typical_run());
  for (auto& answer : *inbox.mutable_answers()) received(std::move(answer));
  for (auto& unread : arrived.unread) read(std::move(unread));
  for (const auto& [value, worker] : arrived.missing) give(value, worker);
  for (auto& asked : *inbox.mutable_asked()) received(std::move(asked));
}

// Without the lock.
void Session::settle(std::vector<Settled> settled) {
  for (auto& [entry, outcome] : settled) {
    if (outcome.error) outcome.failed = std::make_shared<Failed>(entry.plan, recipe_of(entry.input));
    entry.cell->settle(std::move(outcome));
  }
}

// With the lock held.
void Session::received(v1::Outcome& outcome, absl::Cord payload, Arrived& arrived) {
  if (auto batch = batches_.extract(outcome.id())) {
    return received_batch(batch.mapped().ids, outcome, payload, arrived);
  }
  if (outcome.kept()) {
    return received_kept(outcome.id(), payload, Duration{static_cast<std::int64_t>(outcome.run_ns())}, arrived);
  }
  if (outcome.has_failure() && try_again(outcome.id(), *outcome.mutable_failure(), arrived)) return;
  auto entry = take(outcome.id());
  if (!entry) return;
  if (outcome.has_failure()) {
    auto& failure = *outcome.mutable_failure();
    failure.set_attempt(failure.attempt() + entry->failed);
  } else {
    entry->plan->batching.observe(Duration{static_cast<std::int64_t>(outcome.run_ns())}, 1);
    if (entry->plan->batching.are_too_short()) arrived.too_short.push_back(entry->plan);
    for (const auto& part : entry->input.kept) part.value->failed_reads = 0;
  }
  arrived.settled.push_back({std::move(*entry), wire::outcome_of(std::move(outcome), payload)});
  auto& settled = arrived.settled.back();
  if (settled.entry.makes) made_again(settled.entry.makes, settled.outcome, arrived);
}

// With the lock held.
void Session::received_batch(const std::vector<std::uint64_t>& ids, v1::Outcome& outcome,
                             const absl::Cord& payload, Arrived& arrived) {
  v1::TaskBatchResult result;
  const bool readable = !outcome.has_failure() && result.ParseFromString(std::string(payload)) &&
                        result.items_size() == static_cast<int>(ids.size());
  const Duration run{static_cast<std::int64_t>(outcome.run_ns())};
  if (auto& settled = arrived.settled; settled.capacity() - settled.size() < ids.size()) {
    settled.reserve(std::max(2 * settled.capacity(), settled.size() + ids.size()));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Entry* const sent = ledger_.find(ids[i]);
    if (sent == nullptr) continue;  // cancelled
    if (!readable) {
      // Whichever of them it was that killed the workers, the others shall not suffer from it.
      const auto kind = outcome.failure().kind();
      if (kind != v1::FAILURE_CODE_NOT_AVAILABLE && kind != v1::FAILURE_NO_WORKER) {
        sent->alone = true;
        send_anew(ids[i]);
      } else {
        auto entry = take(ids[i]);
        arrived.settled.push_back({std::move(*entry), wire::outcome_of(outcome.failure())});
      }
      continue;
    }
    if (i == 0) {
      Batching& batching = sent->plan->batching;
      batching.observe(run, ids.size());
      if (batching.are_too_short()) arrived.too_short.push_back(sent->plan);
    }
    auto& item = *result.mutable_items(static_cast<int>(i));
    if (item.has_failure() && try_again(ids[i], *item.mutable_failure(), arrived)) continue;
    auto entry = take(ids[i]);
    if (item.has_failure()) {
      item.mutable_failure()->set_attempt(item.failure().attempt() + entry->failed);
    }
    const auto each = run / static_cast<Duration::rep>(ids.size());
    arrived.settled.push_back({std::move(*entry), wire::outcome_of(std::move(item), each)});
  }
}

// With the lock held. False: the failure counts.
bool Session::try_again(std::uint64_t id, v1::Failure& failure, Arrived& arrived) {
  if (failure.kind() == v1::FAILURE_INPUT_LOST && failure.type() == proto_limits::kSharedValue) {
    return shared_value_was_missing(id, failure, arrived);
  }
  if (failure.kind() == v1::FAILURE_INPUT_LOST) return input_was_lost(id, failure);
  const Entry* sent = ledger_.find(id);
  if (sent != nullptr && failure.kind() == v1::FAILURE_NO_WORKER && may_come_back(*sent)) {
    to_try_again_.emplace(Clock::now() + kLookForWorker, id);
    changed_.notify_all();
    return true;
  }
  const bool of_its_own = failure.kind() == v1::FAILURE_RAISED || failure.kind() == v1::FAILURE_TIMED_OUT;
  if (sent == nullptr || !of_its_own ||
      sent->failed >= sent->plan->options().retries) {
    return false;
  }
  try_again_later(id);
  return true;
}

// With the lock held. After a new start of the scheduler the one worker of a task may come after this client.
bool Session::may_come_back(const Entry& entry) const {
  return !entry.plan->options().worker.empty() && reconnected_at_ &&
         Clock::now() < *reconnected_at_ + kWorkersReturn;
}

// With the lock held. Under a new id: ids ascend.
void Session::send_anew(std::uint64_t id) {
  auto entry = ledger_.settle(id);
  if (!entry) return;  // cancelled meanwhile
  const auto cell = entry->cell;
  cell->id = ledger_.add(std::move(*entry));
  to_send_.push_back(cell->id);
  held_ = true;
  changed_.notify_all();
}

// With the lock held.
void Session::try_again_later(std::uint64_t id) {
  Entry& entry = *ledger_.find(id);
  const auto pause = detail::pause_after(entry.plan->options().pause, ++entry.failed);
  to_try_again_.emplace(Clock::now() + pause, id);
  changed_.notify_all();
}

// With the lock held.
void Session::try_again_what_is_due() {
  const auto now = Clock::now();
  while (!to_try_again_.empty() && to_try_again_.begin()->first <= now) {
    const auto id = to_try_again_.extract(to_try_again_.begin()).mapped();
    send_anew(id);
  }
}

bool Session::fill(Batch& frame) {
  v1::ClientBatch& batch = frame.batch;
  const std::vector<KeptPtr> let_go = freed_values_->take_let_go();  // goes after the lock
  std::lock_guard lock(mutex_);
  for (const auto id : to_cancel_) batch.add_cancels(id);
  for (const auto plan : to_forget_) batch.add_forget_plans(plan);
  held_ = false;
  bool anything = !to_cancel_.empty() || !to_forget_.empty();
  to_cancel_.clear();
  to_forget_.clear();
  add_freed(batch, let_go);
  for (const auto id : std::exchange(to_ask_, {})) {
    if (const auto question = questions_.find(id); question != questions_.end()) {
      *batch.add_requests() = question->second.request;
    }
  }
  anything = add_published(batch) || anything;
  for (std::string& name : freed_values_->take_names()) batch.add_unshare(std::move(name));
  anything = anything || batch.unshare_size() > 0 || batch.free_size() > 0 || batch.requests_size() > 0;
  if (program_) {
    v1::ProgramPiece piece;
    if (program_->fill(piece)) *batch.mutable_program() = std::move(piece);
    anything = anything || batch.has_program();
  }
  std::size_t bytes = 0;
  while (!to_send_.empty() && bytes < proto_limits::kBatchBytes) bytes += add_next(frame);
  return anything || bytes > 0;
}

// The first task that is to be sent, and those behind it that travel with it. Returns about how many bytes that
// is; 0: it was cancelled, or waits for its inputs.
std::size_t Session::add_next(Batch& frame) {
  constexpr std::size_t kOverhead = 32;
  const auto id = to_send_.front();
  to_send_.pop_front();
  Entry* const first = ledger_.find(id);
  if (first == nullptr || !inputs_are_there(id, *first)) return 0;
  const std::size_t most = travels_alone(*first) ? 1 : first->plan->batching.size(to_send_.size() + 1, threads_);
  std::vector<std::uint64_t> ids;
  v1::TaskBatch batch;
  const auto add = [&](std::uint64_t member, Entry& entry) {
    ids.push_back(member);
    entry.batch = id;
    absl::CopyCordToString(entry.input.bytes, batch.add_inputs());
  };
  std::size_t bytes = first->input.bytes.size();
  std::vector<std::uint64_t> others;  // for other workers: they come next
  while (!to_send_.empty() && std::max<std::size_t>(ids.size(), 1) < most && others.size() < kLookAhead) {
    Entry* const next = ledger_.find(to_send_.front());
    if (next != nullptr) {
      if (next->plan != first->plan || travels_alone(*next)) break;
      if (!go_together(*next, *first)) {
        others.push_back(to_send_.front());
        to_send_.pop_front();
        continue;
      }
      if (bytes + next->input.bytes.size() > Batching::kMostBytes) break;
      if (ids.empty()) add(id, *first);
      add(to_send_.front(), *next);
      bytes += next->input.bytes.size();
    }
    to_send_.pop_front();
  }
  to_send_.insert(to_send_.begin(), others.begin(), others.end());
  if (ids.empty()) {
    first->batch = 0;
    const bool keeps_nothing = keeps_nothing_ || first->unread > 0 || cuts_chain(first->input);
    const auto& plan = keeps_nothing ? first->plan->keeping_nothing : first->plan->definition;
    add_submit(frame, id, *first, plan, first->input.bytes);
    if (!first->input.kept.empty() || first->input.shared) {
      frame.payloads.back() = add_inputs(*frame.batch.mutable_submits()->rbegin(), first->input);
      bytes = frame.payloads.back().size();
    }
  } else {
    add_submit(frame, id, *first, first->plan->batched, absl::Cord(batch.SerializeAsString()));
    const std::size_t wanted = ids.size();
    batches_.emplace(id, SentBatch{std::move(ids), wanted});
  }
  return bytes + kOverhead;
}

void Session::add_submit(Batch& frame, std::uint64_t id, const Entry& entry, const v1::PlanDefinition& plan,
                         absl::Cord input) {
  v1::ClientBatch& batch = frame.batch;
  if (plans_sent_.insert(plan.plan()).second) *batch.add_plans() = plan;
  auto& submit = *batch.add_submits();
  submit.set_id(id);
  submit.set_plan(plan.plan());
  submit.set_lost_workers(entry.lost_workers);
  if (const std::string& worker = entry.plan->options().worker; !worker.empty()) {
    submit.set_near(worker);
    submit.set_pinned(true);
  } else if (entry.near) {
    submit.set_near(*entry.near);
  }
  frame.payloads.push_back(std::move(input));
}

void Session::ended(const grpc::Status& status) {
  std::lock_guard lock(mutex_);
  ended_ = status;
  changed_.notify_all();
}

}  // namespace penstock::client
