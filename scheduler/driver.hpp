// The shell around the core: one lock, the clock, one timer. gRPC's threads bring batches in; the
// actions go to the peers' outbound batches before the call returns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster.pb.h"
#include "proto/limits.hpp"
#include "scheduler/core/core.hpp"
#include "scheduler/peer.hpp"
#include "scheduler/program_store.hpp"
#include "scheduler/warnings.hpp"
#include "scheduler/wire.hpp"

namespace penstock::scheduler {

class Driver;
using ClientPeer = Peer<v1::ClientBatch, v1::ClientInbox, Driver>;
using WorkerPeer = Peer<v1::WorkerBatch, v1::WorkerInbox, Driver>;

struct DriverOptions {
  CoreOptions core;
  std::string id;         // of this run of the scheduler
  std::string dashboard;  // its address for the Welcome; may be set later
  std::string token;      // peers must show it; empty: none
  std::size_t max_waiting_bytes = proto_limits::kMaxWaitingBytes;  // to be written to one peer
};

// Thread-safe. Peers must be gone before it is destroyed: stop the gRPC server first.
class Driver {
 public:
  explicit Driver(DriverOptions options);
  ~Driver();

  void set_dashboard(std::string url);
  const std::string& token() const { return options_.token; }
  std::size_t max_waiting_bytes() const { return options_.max_waiting_bytes; }

  void received(ClientPeer& peer, wire::ClientFrame&& frame);
  void received(WorkerPeer& peer, wire::WorkerFrame&& frame);
  void unreadable(std::uint64_t peer);
  void stopped_reading(std::uint64_t peer, std::size_t bytes);
  void gone(ClientPeer& peer);
  void gone(WorkerPeer& peer);
  void exited(v1::WorkerExit&& exit);
  // Fills `orders` and finishes `reactor`, sooner or later.
  void reported(v1::HostReport&& report, v1::HostOrders& orders, grpc::ServerUnaryReactor& reactor);
  // The file of a client's program; empty when it is not here.
  std::optional<absl::Cord> program(const std::string& sha256) const { return programs_.find(sha256); }
  // Somebody connected who is no peer.
  void dropped_connection() { ++dropped_connections_; }
  // Somebody came with another token than ours.
  void refused_token(const std::string& who);

  // From here on peers go because they are to go: no warnings for that.
  void expect_end() { ending_ = true; }
  // Tells the workers to reconnect with back-off and closes every connection.
  void shut_down();

  Snapshot snapshot();

 private:
  // What is to be done with peers once the lock is free: see peer.hpp.
  struct Afterwards {
    std::vector<std::shared_ptr<ClientPeer>> clients;  // to flush
    std::vector<std::shared_ptr<WorkerPeer>> workers;
    std::vector<std::pair<std::shared_ptr<ClientPeer>, grpc::Status>> closed_clients;
    std::vector<std::pair<std::shared_ptr<WorkerPeer>, grpc::Status>> closed_workers;
    std::vector<std::shared_ptr<ClientPeer>> beating_clients;
    std::vector<std::shared_ptr<WorkerPeer>> beating_workers;
    std::vector<std::pair<grpc::ServerUnaryReactor*, grpc::Status>> answered_hosts;
  };

  template <class PeerType>
  bool admit(PeerType& peer, std::uint32_t protocol, const char* who);
  // Gives the peer its id and greets it; or says why not.
  template <class PeerType>
  std::string welcome(PeerType& peer, std::uint32_t protocol, const char* who);
  template <class Peers>
  void leave(Peers& peers, std::uint64_t id, Event&& event);
  auto& peers_of(const ClientPeer&) { return clients_; }
  auto& peers_of(const WorkerPeer&) { return workers_; }
  Afterwards take_afterwards();
  static void carry_out(Afterwards afterwards);
  void handle_all(std::vector<Event>&& events);
  void handle(Event&& event);
  void execute();
  void run_timer();

  void perform(SendPlan& action);
  void perform(SendForgetPlan& action);
  void perform(SendTask& action);
  void perform(SendCancel& action);
  void perform(SendOutcome& action);
  void perform(SendFree& action);
  void perform(SendAnswer& action);
  void perform(SendNameAsked& action);
  void perform(SendUnshare& action);
  void perform(SendGoneClient& action);
  void perform(SendWorkers& action);
  void perform(SendRetire& action);
  void perform(SendProgramRequest& action);
  void perform(DropProgram& action);
  void perform(SendOrders& action);
  void perform(RefuseReport& action);
  void perform(SendClusterState& action);
  void perform(SendHeartbeats& action);
  void perform(CloseClient& action);
  void perform(CloseWorker& action);
  void perform(Log& action);

  ClientPeer* peer_of(ClientId id);
  WorkerPeer* peer_of(WorkerId id);

  DriverOptions options_;
  std::mutex mutex_;
  Core core_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<ClientPeer>> clients_;
  std::unordered_map<std::uint64_t, std::shared_ptr<WorkerPeer>> workers_;
  struct Report {
    v1::HostOrders* orders;
    grpc::ServerUnaryReactor* reactor;
  };
  std::unordered_map<std::uint64_t, Report> reports_;  // without an answer
  ProgramStore programs_;
  std::vector<Action> actions_;  // reused
  Afterwards afterwards_;
  bool heartbeat_due_ = false;
  std::atomic<bool> ending_ = false;
  std::atomic<std::uint64_t> dropped_connections_ = 0;
  Warnings warnings_{"peers"};

  std::condition_variable timer_changed_;
  TimePoint timer_at_ = TimePoint::max();
  bool stopping_ = false;
  std::thread timer_;
};

}  // namespace penstock::scheduler
