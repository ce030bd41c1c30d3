#include "tests/support/simulation/scheduler_process.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace penstock::simulation {
namespace {

std::uint64_t number(auto id) { return static_cast<std::uint64_t>(id); }

Ending ending_of(scheduler::CloseKind kind) {
  switch (kind) {
    case scheduler::CloseKind::kRefused: return Ending::kRefused;
    case scheduler::CloseKind::kNameTaken: return Ending::kNameTaken;
    case scheduler::CloseKind::kLost: return Ending::kLost;
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
  attach<ClientPeer, FromClient>(std::move(peer));
}

void SchedulerProcess::accept(std::shared_ptr<WorkerConnection> connection) {
  auto peer = std::make_shared<WorkerPeer>();
  peer->wire = std::move(connection);
  attach<WorkerPeer, FromWorker>(std::move(peer));
}

// The connection's pipe keeps the peer until it is gone.
template <class PeerType, class In>
void SchedulerProcess::attach(std::shared_ptr<PeerType> peer) {
  auto& up = *peer->wire->up;
  up.attach(
      life_, [this, peer](In&& batch) { received(*peer, std::move(batch)); },
      [this, peer](Ending) { close(peer, Ending::kLost); });
}

template <class PeerType, class In>
void SchedulerProcess::received(PeerType& peer, In&& batch) {
  if (peer.id != 0) {
    batch.hello.reset();  // only the first one counts
  } else {
    peer.id = ++last_id_;
    append(peer).welcome = true;
  }
  if (batch.hello) {
    // The peer is found by its own pipe's handler; its id names it from now on.
    environment_.report.note("peer joins", peer.id);
  }
  using Id = std::conditional_t<std::is_same_v<PeerType, ClientPeer>, scheduler::ClientId,
                                scheduler::WorkerId>;
  for (auto& event : events_of(Id{peer.id}, std::move(batch))) handle(std::move(event));
  flush_all();
}

template <class PeerType>
auto& SchedulerProcess::append(PeerType& peer) {
  if (peer.outbox.empty() || peer.last_size >= environment_.batch_limit) {
    peer.outbox.emplace_back();
    peer.last_size = 0;
  }
  ++peer.last_size;
  return peer.outbox.back();
}

template <class PeerType>
void SchedulerProcess::flush(const std::shared_ptr<PeerType>& peer, bool empty_too) {
  if (peer->writing || peer->closed || (peer->outbox.empty() && !empty_too)) return;
  if (peer->outbox.empty()) append(*peer);
  peer->wire->down->send(std::move(peer->outbox.front()));
  peer->outbox.pop_front();
  if (peer->outbox.empty()) peer->last_size = 0;
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
  environment_.queue.after(environment_.latency(), life_, [this, peer] { gone(*peer); });
}

void SchedulerProcess::gone(ClientPeer& peer) {
  environment_.report.note("client gone", peer.id);
  clients_.erase(peer.id);
  if (peer.id != 0) handle(scheduler::ClientLeft{scheduler::ClientId{peer.id}});
  flush_all();
  peer.wire->up->detach();
}

void SchedulerProcess::gone(WorkerPeer& peer) {
  environment_.report.note("worker gone", peer.id);
  workers_.erase(peer.id);
  if (peer.id != 0) handle(scheduler::WorkerLeft{scheduler::WorkerId{peer.id}});
  flush_all();
  peer.wire->up->detach();
}

void SchedulerProcess::exited(scheduler::WorkerExited report) {
  environment_.queue.after(Duration{0}, life_, [this, report = std::move(report)]() mutable {
    environment_.report.note("exit report", report.running.size());
    handle(std::move(report));
    flush_all();
  });
}

void SchedulerProcess::stop(bool tells_peers) {
  life_->alive = false;
  const auto end = [&](auto& peers) {
    for (auto& [id, peer] : peers) {
      auto& wire = *peer->wire;
      wire.up->lose();
      wire.up->detach();
      if (!tells_peers) {
        wire.down->lose();
      } else if (environment_.random.chance(50)) {
        wire.down->end(Ending::kLost);
      } else {
        wire.down->break_off(Ending::kLost, environment_.latency());
      }
    }
  };
  end(clients_);
  end(workers_);
}

std::size_t SchedulerProcess::longest_outbox() const {
  std::size_t longest = 0;
  for (const auto& [id, peer] : clients_) longest = std::max(longest, peer->outbox.size());
  for (const auto& [id, peer] : workers_) longest = std::max(longest, peer->outbox.size());
  return longest;
}

}  // namespace penstock::simulation
