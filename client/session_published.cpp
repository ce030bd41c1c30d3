// The session's part in published values: it keeps those that it has published and answers for them; the scheduler
// only knows who has which name. A large value stays on its worker, and the answer says where.
#include <utility>

#include "client/kept_value.hpp"
#include "client/log.hpp"
#include "client/session.hpp"
#include "penstock/error.hpp"
#include "proto/limits.hpp"

namespace penstock::client {
namespace {

// Of an answer that carries its value, through the scheduler.
constexpr std::size_t kMostInAnswer = std::size_t{64} << 20;

v1::ClusterRequest publication(const std::string& name, const std::string& signature) {
  v1::ClusterRequest request;
  request.mutable_publish()->set_name(name);
  request.mutable_publish()->set_signature(signature);
  return request;
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& what) {
    return what.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

// ---- for the owner ------------------------------------------------------------------------------

void Session::publish(std::string name, std::string signature, detail::CellPtr value,
                      std::function<void(absl::Status)> done) {
  auto request = publication(name, signature);
  Published before;  // goes without the lock
  {
    std::lock_guard lock(mutex_);
    before = std::exchange(published_[name], {std::move(signature), value});
    std::erase(to_withdraw_, name);  // that was meant for the one before
  }
  ask(std::move(request), [weak = weak_from_this(), name = std::move(name), value,
                           done = std::move(done)](absl::StatusOr<v1::ClusterAnswer> answer) {
    absl::Status status = answer.status();
    if (status.ok() && !answer->error().empty()) status = absl::AlreadyExistsError(answer->error());
    if (const auto session = weak.lock()) {
      std::lock_guard lock(session->mutex_);
      const auto found = session->published_.find(name);
      const bool is_there = found != session->published_.end();
      if (status.ok() && !is_there) session->to_withdraw_.push_back(name);  // meanwhile it was
      if (!status.ok() && is_there && found->second.value == value) session->published_.erase(found);
    }
    done(std::move(status));
  });
}

void Session::withdraw(const std::string& name) {
  std::map<std::string, Published>::node_type withdrawn;  // goes without the lock
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    withdrawn = published_.extract(name);
    if (withdrawn.empty()) return;
    to_withdraw_.push_back(name);
    connection = connection_;
  }
  if (connection) connection->write();
}

// With the lock held, on a new connection.
void Session::publish_all_again() {
  to_give_.clear();
  to_withdraw_.clear();
  to_forget_questions_.clear();
  to_publish_again_.clear();
  for (const auto& [name, value] : published_) publish_again(name);
}

// With the lock held. Until it is there: the scheduler may take this client's former connection for another's still.
void Session::publish_again(const std::string& name) {
  const auto found = published_.find(name);
  if (found == published_.end()) return;
  const auto id = ++last_question_;
  auto request = publication(name, found->second.signature);
  request.set_id(id);
  questions_.emplace(id, Question{std::move(request), [weak = weak_from_this(), name](
                                                          absl::StatusOr<v1::ClusterAnswer> answer) {
                                    const auto session = weak.lock();
                                    if (!session || !answer.ok()) return;
                                    std::lock_guard lock(session->mutex_);
                                    if (!answer->error().empty()) {
                                      session->to_publish_again_.push_back(name);
                                    } else if (!session->published_.contains(name)) {
                                      session->to_withdraw_.push_back(name);
                                    }
                                  }});
  to_ask_.push_back(id);
}

// With the lock held, with each heartbeat.
void Session::publish_what_was_refused() {
  for (const std::string& name : std::exchange(to_publish_again_, {})) publish_again(name);
}

void Session::received(v1::AskedValue&& asked) {
  v1::GivenValue given;
  given.set_asker(asked.asker());
  given.set_request(asked.request());
  detail::CellPtr value;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = published_.find(asked.name()); found != published_.end()) value = found->second.value;
  }
  if (!value) {
    given.set_error("'" + asked.name() + "' is not published any more");
    return give(std::move(given));
  }
  value->watch([weak = weak_from_this(), given = std::move(given), value, lost = asked.lost()]() mutable {
    if (const auto session = weak.lock()) session->give_published(std::move(given), value, lost);
  });
}

// Of a settled cell.
void Session::give_published(v1::GivenValue given, const detail::CellPtr& value, bool lost) {
  const detail::Outcome& outcome = value->outcome();
  if (!outcome.error && says_where(outcome, lost, given)) return give(std::move(given));
  const auto here = bring(detail::Encoded(outcome.error ? detail::Outcome{} : outcome));
  here->watch([weak = weak_from_this(), given = std::move(given), value, here]() mutable {
    const auto session = weak.lock();
    if (!session) return;
    const detail::Outcome& all = value->outcome().error ? value->outcome() : here->outcome();
    if (all.error) {
      given.set_error("the published value has failed: " + text_of(all.error));
    } else if (all.bytes().size() > kMostInAnswer) {
      given.set_error("the published value has " + std::to_string(all.bytes().size()) +
                      " bytes, and cannot be read where it is: more than 64 MiB do not fit into an answer");
    } else {
      given.set_value(std::string(all.bytes()));
    }
    session->give(std::move(given));
  });
}

// Whether all of it is one value on a worker, as far as is known.
bool Session::says_where(const detail::Outcome& outcome, bool lost, v1::GivenValue& given) {
  if (outcome.kept.size() != 1 || !outcome.bytes().empty()) return false;
  Kept& value = *static_cast<const Hold&>(*outcome.kept[0].value).kept;
  if (value.freed != freed_values_) return false;
  if (lost) return false;  // whoever brings it sees whether it is
  std::lock_guard lock(mutex_);
  if (!value.state.is_there(epoch_)) return false;
  given.set_value(value.state.where().SerializeAsString());
  given.set_kept(true);
  return true;
}

void Session::give(v1::GivenValue given) {
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    to_give_.push_back(std::move(given));
    connection = connection_;
  }
  if (connection) connection->write();
}

// With the lock held. Whether there was anything.
bool Session::add_published(v1::ClientBatch& batch) {
  for (auto& given : std::exchange(to_give_, {})) *batch.add_given() = std::move(given);
  for (auto& name : std::exchange(to_withdraw_, {})) batch.add_withdraw(std::move(name));
  for (const auto question : std::exchange(to_forget_questions_, {})) batch.add_forget_requests(question);
  return batch.given_size() + batch.withdraw_size() + batch.forget_requests_size() > 0;
}

// ---- for others ---------------------------------------------------------------------------------

void Session::get_published(const std::string& name, const std::string& signature, std::shared_ptr<Query> query,
                            Got got) {
  v1::ClusterRequest request;
  v1::PublishedName& what = *request.mutable_get();
  what.set_name(name);
  what.set_signature(signature);
  const auto inline_value = [got](v1::ClusterAnswer& with) {
    const auto bytes = std::make_shared<const std::string>(std::move(*with.mutable_value()));
    got(proto_values::Bytes{*bytes, bytes});
  };
  const auto answered = [weak = weak_from_this(), request, query, got,
                         inline_value](absl::StatusOr<v1::ClusterAnswer> answer) {
    if (!answer.ok()) return got(answer.status());
    if (!answer->error().empty()) return got(absl::NotFoundError(answer->error()));
    if (!answer->kept()) return inline_value(*answer);
    v1::KeptValue where;
    const auto session = weak.lock();
    if (!session || !where.ParseFromString(answer->value())) return got(absl::DataLossError("the answer cannot be read"));
    session->fetcher_.read(std::move(where), [weak, request, query, got,
                                              inline_value](absl::StatusOr<proto_values::Bytes> bytes) mutable {
      const auto alive = weak.lock();
      if (bytes.ok() || !alive) return got(std::move(bytes));
      // Its owner has it made again, and brings it.
      request.mutable_get()->set_lost(true);
      const auto again = [got, inline_value](absl::StatusOr<v1::ClusterAnswer> second) {
        if (!second.ok()) return got(second.status());
        if (!second->error().empty()) return got(absl::NotFoundError(second->error()));
        inline_value(*second);
      };
      alive->ask(request, again, query.get());
    });
  };
  ask(request, answered, query.get());
}

}  // namespace penstock::client
