#include "tests/support/simulation/scheduler_process.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace penstock::simulation {
namespace {

std::uint64_t number(auto id) { return static_cast<std::uint64_t>(id); }

Ending ending_of(scheduler::CloseKind kind) {
  switch (kind) {
    case scheduler::CloseKind::kRefused:
      return Ending::kRefused;
    case scheduler::CloseKind::kNameTaken:
      return Ending::kNameTaken;
    case scheduler::CloseKind::kLost:
      return Ending::kLost;
  }
  return Ending::kRefused;
}

}  // namespace

SchedulerProcess::SchedulerProcess(Environment& environment)
    : environment_(environment), core_(environment.terms, environment.queue.now()) {
  arm();
}

SchedulerProcess::~SchedulerProcess() { life_->alive = false; }

// ---- connections --------------------------------------------------------------------------------

void SchedulerProcess::accept(std::shared_ptr<ClientConnection> connection) {
  auto peer = std::make_shared<ClientPeer>();
  peer->wire = std::move(connection);
  admit<ClientPeer, FromClient>(clients_, std::move(peer));
}

void SchedulerProcess::accept(std::shared_ptr<WorkerConnection> connection) {
  auto peer = std::make_shared<WorkerPeer>();
  peer->wire = std::move(connection);
  admit<WorkerPeer, FromWorker>(workers_, std::move(peer));
}

template <class PeerType, class In>
void SchedulerProcess::admit(Peers<PeerType>& peers, std::shared_ptr<PeerType> peer) {
  using Id = std::conditional_t<std::is_same_v<PeerType, ClientPeer>, scheduler::ClientId,
                                scheduler::WorkerId>;
  peer->id = ++last_id_;
  peers.emplace(peer->id, peer);
  const std::weak_ptr<PeerType> weak = peer;
  peer->wire->up->attach(
      life_,
      [this, weak](In&& batch) {
        if (const auto known = weak.lock()) received<Id>(*known, std::move(batch));
      },
      [this, weak](Ending) {
        if (const auto known = weak.lock()) close(known, Ending::kLost);
      });
}

template <class Id, class PeerType, class In>
void SchedulerProcess::received(PeerType& peer, In&& batch) {
  if (peer.greeted) {
    batch.hello.reset();  // only the first one counts
  } else {
    peer.greeted = true;
    append(peer).welcome = true;
  }
  environment_.report.note("scheduler reads from peer", peer.id);
  for (auto& event : events_of(Id{peer.id}, std::move(batch))) handle(std::move(event));
  flush_all();
}

template <class PeerType>
void SchedulerProcess::flush(const std::shared_ptr<PeerType>& peer, bool empty_too) {
  if (peer->writing || peer->closed || (peer->outbox.empty() && !empty_too)) return;
  if (peer->outbox.empty()) append(*peer);
  peer->wire->down->send(std::move(peer->outbox.front()));
  peer->outbox.pop_front();
  peer->writing = true;
  environment_.queue.after(environment_.writing_time(), life_, [this, peer] {
    peer->writing = false;
    flush(peer);
  });
}

// The transport needs a moment until the peer is gone; what it reads until then still counts.
template <class PeerType>
void SchedulerProcess::close(const std::shared_ptr<PeerType>& peer, Ending ending) {
  if (peer->closed) return;
  peer->closed = true;
  peer->outbox.clear();
  if (peer->writing) {
    peer->wire->down->break_off(ending, environment_.latency());
  } else {
    peer->wire->down->end(ending);
  }
  environment_.queue.after(environment_.latency(), life_, [this, id = peer->id] {
    if constexpr (std::is_same_v<PeerType, ClientPeer>) {
      gone<scheduler::ClientLeft, scheduler::ClientId>(clients_, id);
    } else {
      gone<scheduler::WorkerLeft, scheduler::WorkerId>(workers_, id);
    }
  });
}

template <class Event, class Id, class PeerType>
void SchedulerProcess::gone(Peers<PeerType>& peers, std::uint64_t id) {
  environment_.report.note("peer is gone", id);
  const auto peer = peers.extract(id).mapped();
  peer->wire->up->detach();
  if (peer->greeted) handle(Event{Id{id}});
  flush_all();
}

void SchedulerProcess::exited(scheduler::WorkerExited report) {
  environment_.queue.after(Duration{0}, life_, [this, report = std::move(report)]() mutable {
    environment_.report.note("exit report", report.running.size());
    handle(std::move(report));
    flush_all();
  });
}

template <class PeerType>
void SchedulerProcess::abandon(Peers<PeerType>& peers, bool tells_them) {
  for (auto& [id, peer] : peers) {
    Pipe<std::remove_cvref_t<decltype(peer->outbox.front())>>& down = *peer->wire->down;
    peer->wire->up->lose();
    peer->wire->up->detach();
    if (!tells_them) {
      down.lose();
    } else if (environment_.random.chance(50)) {
      down.end(Ending::kLost);
    } else {
      down.break_off(Ending::kLost, environment_.latency());
    }
  }
}

void SchedulerProcess::stop(bool tells_peers) {
  life_->alive = false;
  abandon(clients_, tells_peers);
  abandon(workers_, tells_peers);
}

std::size_t SchedulerProcess::longest_outbox() const {
  std::size_t longest = 0;
  for (const auto& [id, peer] : clients_) longest = std::max(longest, peer->outbox.size());
  for (const auto& [id, peer] : workers_) longest = std::max(longest, peer->outbox.size());
  return longest;
}

// ---- the core -----------------------------------------------------------------------------------

void SchedulerProcess::handle(scheduler::Event&& event) {
  core_.handle(std::move(event), environment_.queue.now(), actions_);
  for (auto& action : actions_) {
    std::visit([this](auto& concrete) { perform(concrete); }, action);
  }
  actions_.clear();
  arm();
}

void SchedulerProcess::flush_all() {
  const bool beats = std::exchange(heartbeat_due_, false);
  for (auto& [id, peer] : clients_) flush(peer, beats && peer->greeted);
  for (auto& [id, peer] : workers_) flush(peer, beats && peer->greeted);
  for (auto& [peer, ending] : std::exchange(to_close_clients_, {})) close(peer, ending);
  for (auto& [peer, ending] : std::exchange(to_close_workers_, {})) close(peer, ending);
}

void SchedulerProcess::arm() {
  const auto deadline = core_.next_deadline().value_or(TimePoint::max());
  if (deadline >= timer_at_) return;
  timer_at_ = deadline;
  // A real timer is late.
  const Duration delay = std::max(deadline - environment_.queue.now(), Duration{0}) +
                         environment_.random.between(Duration{0}, environment_.typical_latency);
  environment_.queue.after(delay, life_, [this] { tick(); });
}

void SchedulerProcess::tick() {
  timer_at_ = TimePoint::max();
  while (core_.next_deadline().value_or(TimePoint::max()) <= environment_.queue.now()) {
    handle(scheduler::Tick{});
  }
  flush_all();
  arm();
}

// ---- actions ------------------------------------------------------------------------------------

SchedulerProcess::WorkerPeer* SchedulerProcess::peer_of(scheduler::WorkerId id) {
  const auto found = workers_.find(number(id));
  return found == workers_.end() || found->second->closed ? nullptr : found->second.get();
}

SchedulerProcess::ClientPeer* SchedulerProcess::peer_of(scheduler::ClientId id) {
  const auto found = clients_.find(number(id));
  return found == clients_.end() || found->second->closed ? nullptr : found->second.get();
}

// The batch that goes out next. flush() lets it go.
template <class PeerType>
auto& SchedulerProcess::append(PeerType& peer) {
  if (peer.outbox.empty() || peer.last_size >= environment_.batch_limit) {
    peer.outbox.emplace_back();
    peer.last_size = 0;
  }
  ++peer.last_size;
  return peer.outbox.back();
}

void SchedulerProcess::perform(scheduler::SendPlan& action) {
  if (auto* peer = peer_of(action.worker)) {
    append(*peer).plans.push_back(
        {worker::PlanId{number(action.plan)}, std::move(action.definition)});
  }
}

void SchedulerProcess::perform(scheduler::SendForgetPlan& action) {
  if (auto* peer = peer_of(action.worker)) {
    append(*peer).forgotten.push_back(worker::PlanId{number(action.plan)});
  }
}

void SchedulerProcess::perform(scheduler::SendTask& action) {
  if (auto* peer = peer_of(action.worker)) {
    environment_.report.note("dispatch (worker, task, attempt)", peer->id, number(action.task),
                             action.attempt);
    append(*peer).runs.push_back({worker::TaskId{number(action.task)}, action.attempt,
                                  worker::PlanId{number(action.plan)}, std::move(action.input),
                                  absl::Cord(action.kept), worker::ClientId{number(action.client)}});
  }
}

void SchedulerProcess::perform(scheduler::SendFree& action) {
  auto* peer = peer_of(action.worker);
  if (peer == nullptr) return;
  for (const auto& name : action.values) {
    environment_.report.note("free (peer, task, attempt)", peer->id, number(name.task), name.attempt);
    append(*peer).freed.push_back({worker::TaskId{number(name.task)}, name.attempt});
  }
}

void SchedulerProcess::perform(scheduler::SendGoneClient& action) {
  if (auto* peer = peer_of(action.worker)) {
    append(*peer).gone_clients.push_back(worker::ClientId{number(action.client)});
  }
}

void SchedulerProcess::perform(scheduler::SendCancel& action) {
  if (auto* peer = peer_of(action.worker)) {
    append(*peer).cancels.push_back(worker::TaskId{number(action.task)});
  }
}

void SchedulerProcess::perform(scheduler::SendOutcome& action) {
  if (auto* peer = peer_of(action.client)) {
    environment_.report.note("outcome (client, id, failed)", peer->id, action.id,
                             action.result.index());
    append(*peer).outcomes.push_back(std::move(action));
  }
}

void SchedulerProcess::perform(scheduler::SendClusterState& action) {
  if (auto* peer = peer_of(action.client)) append(*peer).cluster = action;
}

void SchedulerProcess::perform(scheduler::SendHeartbeats&) { heartbeat_due_ = true; }

void SchedulerProcess::perform(scheduler::CloseClient& action) {
  const auto found = clients_.find(number(action.client));
  if (found == clients_.end()) return;
  to_close_clients_.emplace_back(found->second, ending_of(action.kind));
}

void SchedulerProcess::perform(scheduler::CloseWorker& action) {
  const auto found = workers_.find(number(action.worker));
  if (found == workers_.end()) return;
  to_close_workers_.emplace_back(found->second, ending_of(action.kind));
}

}  // namespace penstock::simulation
