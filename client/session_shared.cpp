// The session's values that all workers are given (broadcast.hpp).
//
// The value is stored once, as a task's result is, and each worker gets it with a task of its own that reads it from
// there: those that are there at once, others when a task misses it on them. Such a task is sent anew when the value is
// there, or after a pause, to wherever that may be: the worker may be busy with something else for long. So a worker may
// forget the value at any time.
#include <algorithm>
#include <chrono>
#include <utility>

#include "client/kept_value.hpp"
#include "client/session.hpp"
#include "client/session_plan.hpp"
#include "penstock/task_error.hpp"

namespace penstock::client {
namespace {

// Times that one task misses a value; more means that they do not fit into its workers' memory together.
constexpr unsigned kMostMissed = 100;

detail::Stage built_in(std::string_view function, std::string constants = {}) {
  detail::Stage stage;
  stage.function = std::string(function);
  stage.constants = std::move(constants);
  return stage;
}

// Before a task is sent anew although the value has not come: at first, and at most.
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{10'000};

// Whether others may succeed where this task has failed.
bool is_about_the_worker(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const WorkerLost&) {
    return true;
  } catch (const NoWorker&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

class Session::SharedValue {
 public:
  SharedValue(std::string of_name, detail::CellPtr with_value, std::shared_ptr<FreedValues> freed)
      : name(std::move(of_name)), stored(std::move(with_value)), freed_(std::move(freed)) {}
  ~SharedValue() { freed_->add(name); }
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;

  const std::string name;

  // ---- with the session's lock ----
  detail::CellPtr stored;
  std::map<std::string, std::vector<std::uint64_t>> waiting;  // tasks, by the worker that is being given the value

 private:
  const std::shared_ptr<FreedValues> freed_;
};

detail::CellPtr Session::store(std::string bytes) {
  detail::PlanPtr plan;
  {
    std::lock_guard lock(call_plans_mutex_);
    // Alone: what comes back with others cannot stay on a worker.
    if (!store_plan_) store_plan_ = make_plan({built_in(detail::kStoreStage)}, {.batch = 1});
    plan = store_plan_;
  }
  return submit(plan, detail::Encoded(std::move(bytes)), detail::Want::kAnywhere);
}

std::shared_ptr<const void> Session::share(const std::string& name, std::string bytes) {
  auto value = std::make_shared<SharedValue>(name, store(std::move(bytes)), freed_values_);
  {
    std::lock_guard lock(mutex_);
    std::erase_if(shared_values_, [](const auto& one) { return one.second.expired(); });
    shared_values_[name] = value;
  }
  give_to_all(value);
  return value;
}

// To those that are there.
void Session::give_to_all(const std::shared_ptr<SharedValue>& value) {
  v1::ClusterRequest request;
  request.set_workers(true);
  std::weak_ptr<SharedValue> wanted = value;  // perhaps no longer when the answer comes
  ask(std::move(request), [weak = weak_from_this(), wanted](absl::StatusOr<v1::ClusterAnswer> answer) {
    const auto session = weak.lock();
    const auto still = wanted.lock();
    if (!session || !still || !answer.ok()) return;
    for (const auto& worker : answer->workers()) {
      if (worker.leaving()) continue;
      {
        std::lock_guard lock(session->mutex_);
        if (!still->waiting.try_emplace(worker.name()).second) continue;
      }
      session->give(still, worker.name());
    }
  });
}

// With the lock held. A worker has begun the task and found that it has not the value. False: the failure counts.
bool Session::shared_value_was_missing(std::uint64_t id, v1::Failure& failure, Arrived& arrived) {
  Entry* const entry = ledger_.find(id);
  if (entry == nullptr) return true;  // cancelled
  if (++entry->missed > kMostMissed) {
    failure.set_kind(v1::FAILURE_REFUSED);
    failure.set_text("the broadcast values that it needs do not come together on any worker: do they fit into what "
                     "--max-value-bytes allows?");
    return false;
  }
  const auto found = shared_values_.find(failure.text());
  const auto value = found != shared_values_.end() ? found->second.lock() : nullptr;
  if (!value) {
    failure.set_kind(v1::FAILURE_REFUSED);
    failure.set_text("it needs a broadcast value whose last handle is gone: keep the Broadcast as long as tasks need it");
    return false;
  }
  const auto [place, is_new] = value->waiting.try_emplace(failure.worker());
  place->second.push_back(id);
  const auto pause = std::min(kFirstPause * (1 << std::min<unsigned>(entry->missed, 10)), kLongestPause);
  to_try_again_.emplace(Clock::now() + pause, id);
  changed_.notify_all();
  if (is_new) arrived.missing.emplace_back(value, failure.worker());
  return true;
}

// Without the lock; value.waiting has the worker already.
void Session::give(const std::shared_ptr<SharedValue>& value, const std::string& worker) {
  detail::CellPtr stored;
  {
    std::lock_guard lock(mutex_);
    stored = value->stored;
  }
  stored->watch([weak = weak_from_this(), value, worker, stored] {
    const auto session = weak.lock();
    if (!session) return;
    const detail::Outcome& outcome = stored->outcome();
    if (outcome.error && outcome.failed && is_about_the_worker(outcome.error)) {
      session->store_again(*value, stored);
      return session->give(value, worker);
    }
    if (outcome.error) return session->was_given(*value, worker, outcome);
    const auto plan =
        session->make_plan({built_in(detail::kShareStage, value->name)}, {.batch = 1, .worker = worker});
    const auto given = session->submit(plan, detail::Encoded(outcome), detail::Want::kAnywhere);
    given->watch([weak, value, worker, given] {
      if (const auto alive = weak.lock()) alive->was_given(*value, worker, given->outcome());
    });
  });
}

// It was not stored, as there was no worker for it.
void Session::store_again(SharedValue& value, const detail::CellPtr& failed) {
  const auto stored = submit_again(*failed->outcome().failed);
  std::lock_guard lock(mutex_);
  if (value.stored == failed) value.stored = stored;
}

void Session::was_given(SharedValue& value, const std::string& worker, const detail::Outcome& outcome) {
  const bool hopeless = outcome.error && !is_about_the_worker(outcome.error);
  std::vector<Settled> failed;
  {
    std::lock_guard lock(mutex_);
    auto waiting = value.waiting.extract(worker);
    if (waiting.empty()) return;
    for (const auto id : waiting.mapped()) {
      if (!hopeless) {
        send_anew(id);
      } else if (auto entry = take(id)) {
        failed.push_back({std::move(*entry), {"", outcome.error, {}}});
      }
    }
  }
  settle(std::move(failed));
}

}  // namespace penstock::client
