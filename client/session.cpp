#include "client/session.hpp"

#include <algorithm>
#include <utility>

#include "client/callback_thread.hpp"
#include "client/kept_value.hpp"
#include "client/log.hpp"
#include "client/session_plan.hpp"
#include "client/wire.hpp"
#include "penstock/detail/task_host.hpp"
#include "penstock/task_error.hpp"
#include "proto/channel.hpp"
#include "proto/limits.hpp"

namespace penstock::client {
namespace {

// Trying again is no use.
bool is_final(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}

bool is_this_machine(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

// Of one client, so that others find room in a scheduler (scheduler/core/types.hpp).
constexpr std::size_t kMaxPlans = 20'000;

}  // namespace

std::shared_ptr<Session> Session::start(SessionOptions options, Ready ready) {
  std::shared_ptr<Session> session(new Session(std::move(options), std::move(ready)));
  session->keeper_ = std::thread([raw = session.get()] { raw->run(); });
  return session;
}

Session::Session(SessionOptions options, Ready ready)
    : options_(std::move(options)),
      ready_(std::move(ready)),
      freed_values_(std::make_shared<FreedValues>()),
      shares_inputs_(options_.shared_memory &&
                     (options_.channel != nullptr || is_this_machine(options_.address))),
      fetcher_(options_.token),
      next_pause_(options_.first_pause) {}

Session::~Session() { close(); }

void Session::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  room_.notify_all();
  if (keeper_.joinable() && keeper_.get_id() != std::this_thread::get_id()) keeper_.join();
  fetcher_.stop();
  freed_values_->close();
}

// ---- the keeper's thread ------------------------------------------------------------------------

std::shared_ptr<grpc::Channel> Session::channel() const {
  if (options_.channel) return options_.channel;
  return proto_channel::connect(options_.address);
}

void Session::run() {
  const CallbackThread scope;
  std::string no_program;
  if (options_.upload) {  // here, as it takes its time
    auto program = OwnProgram::open();
    if (program.ok()) {
      program_ = *std::move(program);
    } else {
      no_program = std::string(program.status().message());
    }
  }
  const auto give_up = Clock::now() + options_.connect_timeout;
  std::unique_lock lock(mutex_);
  broken_ = std::move(no_program);
  while (!closing_ && broken_.empty()) {
    converse(lock);
    if (closing_) break;
    const grpc::Status status = *ended_;
    if (is_final(status)) {
      broken_ = in_words(status);
    } else if (ready_ && Clock::now() >= give_up) {
      broken_ = "no scheduler at " + options_.address + ": " + in_words(status) +
                ". Start penstock-scheduler there, or see which host and port its log names for clients and workers "
                "(8786 unless told otherwise; 8787 is the dashboard's)";
    } else {
      complain(status);
      pause(lock);
    }
  }
  const std::string why = closing_ ? "the client was closed, or its last handle has gone: keep the Client" : broken_;
  room_.notify_all();
  report_ready(lock, absl::UnavailableError(why));
  fail_all(lock, why);
}

// One connection, from hello to its end.
void Session::converse(std::unique_lock<std::mutex>& lock) {
  ended_.reset();
  welcomed_ = false;
  auto connection = Connection::create(channel(), *this);
  connection_ = connection;
  lock.unlock();
  connection->start(options_.name, options_.weight, options_.token, program_ ? &program_->offer() : nullptr);
  lock.lock();
  while (!ended_) attend(lock, *connection);
  connection_.reset();
  workers_ = threads_ = 0;
}

// Sends what was held, and a heartbeat when it is due; ends the connection when there is a reason.
void Session::attend(std::unique_lock<std::mutex>& lock, Connection& connection) {
  const auto silence = welcomed_ ? silence_ : std::min(options_.connect_timeout, silence_);
  if (closing_ || Clock::now() >= connection.heard() + silence) {
    connection.cancel();
    changed_.wait_for(lock, std::chrono::milliseconds(50));
    return;
  }
  try_again_what_is_due();
  const bool beat = welcomed_ && Clock::now() >= next_heartbeat_;
  if (beat || held_) {
    keeper_flushes_ = held_;
    if (beat) next_heartbeat_ = Clock::now() + heartbeat_;
    if (beat) publish_what_was_refused();
    lock.unlock();
    beat ? connection.heartbeat() : connection.write();
    lock.lock();
  } else {
    keeper_flushes_ = false;
  }
  auto next = Clock::now() + std::chrono::milliseconds(100);
  if (welcomed_) next = next_heartbeat_;
  if (keeper_flushes_) next = std::min(next, Clock::now() + proto_limits::kLongestHold);
  const auto retry_by = to_try_again_.empty() ? next : std::min(next, to_try_again_.begin()->first);
  changed_.wait_until(lock, retry_by, [&] {
    return closing_ || ended_.has_value() || (held_ && !keeper_flushes_) ||
           (!to_try_again_.empty() && to_try_again_.begin()->first < retry_by);
  });
}

std::string Session::in_words(const grpc::Status& status) const {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return "what answers at " + options_.address + " is no Penstock scheduler";
  }
  if (status.error_code() == grpc::StatusCode::CANCELLED) return "it does not answer";
  return status.ok() ? "it closed the connection" : status.error_message();
}

// Once for each loss.
void Session::complain(const grpc::Status& status) {
  if (complained_ || ready_) return;
  complained_ = true;
  log().warn("lost the scheduler at {}: {}. {} tasks are kept; connecting again until it is back",
               options_.address, in_words(status), ledger_.size());
}

void Session::report_ready(std::unique_lock<std::mutex>& lock, absl::Status status) {
  auto ready = std::exchange(ready_, nullptr);
  if (!ready) return;
  lock.unlock();
  ready(std::move(status));
  lock.lock();
}

void Session::pause(std::unique_lock<std::mutex>& lock) {
  // Half of it is random: clients that lost the same scheduler should not all come back at once.
  std::uniform_int_distribution<std::int64_t> jitter(next_pause_.count() / 2, next_pause_.count());
  const auto pause = std::chrono::milliseconds(jitter(random_));
  next_pause_ = std::min(next_pause_ * 2, options_.longest_pause);
  changed_.wait_for(lock, pause, [this] { return closing_; });
}

void Session::fail_all(std::unique_lock<std::mutex>& lock, const std::string& why) {
  const auto kind = closing_ ? TaskErrorKind::kCancelled : TaskErrorKind::kRefused;
  while (ledger_.size() > 0) {
    std::vector<Entry> entries;
    for (const auto id : ledger_.unsettled()) entries.push_back(std::move(*take(id)));
    lock.unlock();
    for (auto& entry : entries) {
      entry.cell->settle(
          {"", make_task_error({kind, "", why, entry.plan->definition.label(), "", 0}), {}});
    }
    entries.clear();  // with the last references to plans, which take the lock
    lock.lock();
  }
  auto questions = std::exchange(questions_, {});
  lock.unlock();
  for (const auto& [id, question] : questions) question.answer(absl::UnavailableError(why));
  questions.clear();
  lock.lock();
}

// ---- room ---------------------------------------------------------------------------------------

void Session::wait_for_room() {
  wait_for_ledger([this] {
    return ledger_.size() + expected_ < options_.max_tasks && bytes_ < options_.max_bytes && busy_plans_ < kMaxPlans;
  });
}

// Not on changed_: that would wake the keeper with every outcome.
void Session::wait_for_ledger(absl::FunctionRef<bool()> satisfied) {
  const auto over = [&] { return closing_ || !broken_.empty() || satisfied(); };
  struct Waiter {
    explicit Waiter(Session& of) : session(of) { count(1); }
    ~Waiter() { count(-1); }
    void count(int change) {
      std::lock_guard lock(session.mutex_);
      session.room_waiters_ += change;
    }
    Session& session;
  };
  {
    std::lock_guard lock(mutex_);
    if (over()) return;
  }
  const Waiter waiter(*this);
  if (!detail::wait_in_task(mutex_, room_, std::nullopt, over)) detail::throw_stopped();
}

std::size_t Session::unsettled() const {
  std::lock_guard lock(mutex_);
  return ledger_.size();
}

void Session::wait_until_settled() {
  wait_for_ledger([this] { return ledger_.size() + expected_ == 0; });
}

// ---- the cluster --------------------------------------------------------------------------------

unsigned Session::threads() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

// With the lock held. Empty: it has not.
std::string Session::why_ended() const { return closing_ ? "the client is closed" : broken_; }

void Session::ask(v1::ClusterRequest request, Answer answer, Query* query) {
  std::shared_ptr<Connection> connection;
  std::string refusal;
  {
    std::lock_guard lock(mutex_);
    if (query != nullptr && query->forgotten) return;
    refusal = why_ended();
    if (refusal.empty()) {
      const auto id = ++last_question_;
      request.set_id(id);
      if (query != nullptr) query->question = id;
      questions_.emplace(id, Question{std::move(request), std::move(answer)});
      to_ask_.push_back(id);
      connection = connection_;
    }
  }
  if (!refusal.empty()) {
    answer(absl::UnavailableError(refusal));
  } else if (connection) {
    connection->write();
  }
}

void Session::forget(Query& query) {
  Question forgotten;  // goes without the lock
  std::lock_guard lock(mutex_);
  query.forgotten = true;
  auto found = questions_.extract(query.question);
  if (found.empty()) return;
  forgotten = std::move(found.mapped());
  to_forget_questions_.push_back(query.question);
}

bool Session::has_ended() const {
  std::lock_guard lock(mutex_);
  return !why_ended().empty();
}

void Session::received(v1::ClusterAnswer&& answer) {
  Question question;
  {
    std::lock_guard lock(mutex_);
    auto found = questions_.extract(answer.id());
    if (found.empty()) return;  // it was asked twice
    question = std::move(found.mapped());
  }
  question.answer(std::move(answer));
}

unsigned Session::workers() const {
  std::lock_guard lock(mutex_);
  return workers_;
}

bool Session::wait_for_workers(unsigned count, Duration timeout) {
  std::unique_lock lock(mutex_);
  const auto end = detail::end_after(timeout);
  changed_.wait_until(lock, end, [&] { return closing_ || !broken_.empty() || workers_ >= count; });
  return workers_ >= count;
}

std::string Session::dashboard() const {
  std::lock_guard lock(mutex_);
  return dashboard_;
}

}  // namespace penstock::client
