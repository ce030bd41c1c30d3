// The scheduler's shell around the production core: peers, batches, one timer.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "scheduler/core/core.hpp"
#include "tests/support/simulation/network.hpp"

namespace penstock::simulation {

class SchedulerProcess final : public Listener {
 public:
  explicit SchedulerProcess(Environment& environment);
  ~SchedulerProcess() override;

  void accept(std::shared_ptr<ClientConnection> connection) override;
  void accept(std::shared_ptr<WorkerConnection> connection) override;
  void exited(scheduler::WorkerExited report);

  void freeze(Duration time) { life_->frozen_until = environment_.queue.now() + time; }
  // Ends every connection; the process is to be destroyed then.
  void stop(bool tells_peers);

  const scheduler::Core& core() const { return core_; }
  // Batches that wait for the one before to be written.
  std::size_t longest_outbox() const;

 private:
  template <class Wire, class In, class Out>
  struct Peer {
    std::uint64_t id = 0;
    bool greeted = false;  // its hello is here, and the core knows it
    std::shared_ptr<Wire> wire;
    std::deque<Out> outbox;
    std::size_t last_size = 0;  // items in the outbox's last batch
    bool writing = false;
    bool closed = false;
  };
  using ClientPeer = Peer<ClientConnection, FromClient, ToClient>;
  using WorkerPeer = Peer<WorkerConnection, FromWorker, ToWorker>;
  template <class PeerType>
  using Peers = std::map<std::uint64_t, std::shared_ptr<PeerType>>;

  template <class PeerType, class In>
  void admit(Peers<PeerType>& peers, std::shared_ptr<PeerType> peer);
  template <class Id, class PeerType, class In>
  void received(PeerType& peer, In&& batch);
  template <class PeerType>
  auto& append(PeerType& peer);
  template <class PeerType>
  void flush(const std::shared_ptr<PeerType>& peer, bool empty_too = false);
  template <class PeerType>
  void close(const std::shared_ptr<PeerType>& peer, Ending ending);
  template <class Event, class Id, class PeerType>
  void gone(Peers<PeerType>& peers, std::uint64_t id);
  template <class PeerType>
  void abandon(Peers<PeerType>& peers, bool tells_them);

  void handle(scheduler::Event&& event);
  void flush_all();
  void arm();
  void tick();

  void perform(scheduler::SendPlan& action);
  void perform(scheduler::SendForgetPlan& action);
  void perform(scheduler::SendTask& action);
  void perform(scheduler::SendCancel& action);
  void perform(scheduler::SendOutcome& action);
  void perform(scheduler::SendClusterState& action);
  void perform(scheduler::SendHeartbeats& action);
  void perform(scheduler::CloseClient& action);
  void perform(scheduler::CloseWorker& action);
  void perform(scheduler::SendFree& action);
  void perform(scheduler::SendGoneClient& action);
  void perform(scheduler::SendUnshare&) {}
  void perform(scheduler::SendAnswer&) {}
  void perform(scheduler::SendNameAsked&) {}
  void perform(scheduler::SendWorkers&) {}
  void perform(scheduler::SendRetire&) {}
  void perform(scheduler::SendProgramRequest&) {}
  void perform(scheduler::DropProgram&) {}
  void perform(scheduler::SendOrders&) {}
  void perform(scheduler::RefuseReport&) {}
  void perform(scheduler::Log&) {}
  WorkerPeer* peer_of(scheduler::WorkerId id);
  ClientPeer* peer_of(scheduler::ClientId id);

  Environment& environment_;
  const LifePtr life_ = std::make_shared<Life>();
  scheduler::Core core_;
  std::uint64_t last_id_ = 0;
  Peers<ClientPeer> clients_;
  Peers<WorkerPeer> workers_;
  std::vector<scheduler::Action> actions_;
  std::vector<std::pair<std::shared_ptr<ClientPeer>, Ending>> to_close_clients_;
  std::vector<std::pair<std::shared_ptr<WorkerPeer>, Ending>> to_close_workers_;
  bool heartbeat_due_ = false;
  TimePoint timer_at_ = TimePoint::max();
};

}  // namespace penstock::simulation
