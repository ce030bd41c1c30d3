#include "scheduler/driver.hpp"


#include <algorithm>
#include <type_traits>

#include "scheduler/log.hpp"

namespace penstock::scheduler {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

std::uint32_t milliseconds(Duration time) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

grpc::Status status_of(CloseKind kind, const std::string& reason) {
  switch (kind) {
    case CloseKind::kRefused: return {grpc::StatusCode::FAILED_PRECONDITION, reason};
    case CloseKind::kNameTaken: return {grpc::StatusCode::ALREADY_EXISTS, reason};
    case CloseKind::kLost: break;
  }
  return {grpc::StatusCode::UNAVAILABLE, reason};
}

grpc::Status stopping() { return {grpc::StatusCode::UNAVAILABLE, "the scheduler is stopping"}; }

// What one item adds to a batch besides its payload, roughly: keeps batches of tiny tasks bounded.
constexpr std::size_t kItemBytes = 32;

template <class PeerType>
void touch(std::vector<std::shared_ptr<PeerType>>& touched, const std::shared_ptr<PeerType>& peer) {
  // Consecutive actions mostly go to few peers.
  if (std::find(touched.rbegin(), touched.rend(), peer) == touched.rend()) touched.push_back(peer);
}

}  // namespace

Driver::Driver(DriverOptions options)
    : options_(std::move(options)), core_(options_.core, now()), timer_([this] { run_timer(); }) {}

Driver::~Driver() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  timer_changed_.notify_one();
  timer_.join();
}

void Driver::set_dashboard(std::string url) {
  std::lock_guard lock(mutex_);
  options_.dashboard = std::move(url);
}

template <class PeerType>
std::string Driver::welcome(PeerType& peer, std::uint32_t protocol, const char* who) {
  if (protocol != proto_limits::kProtocolVersion) {
    const std::string text = fmt::format("{} speaks protocol {}, this scheduler {}: build both from one version",
                                         who, protocol, proto_limits::kProtocolVersion);
    log().warn("refused: {}", text);
    return text;
  }
  peer.id = ++last_id_;
  peer.append(kItemBytes, [&](auto& inbox) {
    auto& welcome = *inbox.batch.mutable_welcome();
    welcome.set_protocol(proto_limits::kProtocolVersion);
    welcome.set_scheduler(options_.id);
    welcome.set_heartbeat_ms(milliseconds(options_.core.heartbeat));
    welcome.set_silence_ms(milliseconds(options_.core.silence));
    welcome.set_dashboard(options_.dashboard);
  });
  return "";
}

// The first batch of a connection: false when it was refused.
template <class PeerType>
bool Driver::admit(PeerType& peer, std::uint32_t protocol, const char* who) {
  std::string refusal;
  {
    std::lock_guard lock(mutex_);
    refusal = welcome(peer, protocol, who);
    if (refusal.empty()) {
      peers_of(peer).emplace(peer.id, peer.shared_from_this());
      return true;
    }
  }
  peer.close({grpc::StatusCode::FAILED_PRECONDITION, refusal});
  return false;
}

void Driver::received(ClientPeer& peer, wire::ClientFrame&& frame) {
  if (peer.id != 0) {
    frame.batch.clear_hello();  // only the first one counts
  } else if (!admit(peer, frame.batch.hello().protocol(), "client")) {
    return;
  }
  const ClientId client{peer.id};
  std::optional<Event> uploaded;
  if (frame.batch.has_program()) uploaded = programs_.add(client, wire::piece_of(frame));
  std::vector<Event> events = wire::events_of(client, std::move(frame));
  if (uploaded) events.push_back(*std::move(uploaded));
  handle_all(std::move(events));
  peer.flush();
}

void Driver::received(WorkerPeer& peer, wire::WorkerFrame&& frame) {
  if (peer.id != 0) {
    frame.batch.clear_hello();
  } else if (!admit(peer, frame.batch.hello().protocol(), "worker")) {
    return;
  }
  handle_all(wire::events_of(WorkerId{peer.id}, std::move(frame)));
  peer.flush();
}

void Driver::unreadable(std::uint64_t peer) {
  dropped_connection();
  warnings_.warn(fmt::format("dropped peer {}: it sent bytes that are no message of this protocol", peer),
                 now());
}

void Driver::refused_token(const std::string& who) {
  dropped_connection();
  warnings_.warn(fmt::format("refused a connection from {}: wrong token", who), now());
}

void Driver::stopped_reading(std::uint64_t peer, std::size_t bytes) {
  dropped_connection();
  warnings_.warn(fmt::format("dropped peer {}: {} MiB wait for it, and it does not read them", peer,
                             bytes >> 20),
                 now());
}

void Driver::gone(ClientPeer& peer) {
  if (peer.id == 0) return;
  leave(clients_, peer.id, ClientLeft{ClientId{peer.id}});
}

void Driver::gone(WorkerPeer& peer) {
  if (peer.id == 0) return;
  leave(workers_, peer.id, WorkerLeft{WorkerId{peer.id}});
}

template <class Peers>
void Driver::leave(Peers& peers, std::uint64_t id, Event&& event) {
  Afterwards afterwards;
  {
    std::lock_guard lock(mutex_);
    peers.erase(id);
    handle(std::move(event));
    afterwards = take_afterwards();
  }
  carry_out(std::move(afterwards));
}

void Driver::exited(v1::WorkerExit&& exit) {
  std::vector<Event> events;
  events.push_back(wire::event_of(std::move(exit)));
  handle_all(std::move(events));
}

void Driver::reported(v1::HostReport&& report, v1::HostOrders& orders, grpc::ServerUnaryReactor& reactor) {
  if (report.protocol() != proto_limits::kProtocolVersion) {
    return reactor.Finish({grpc::StatusCode::FAILED_PRECONDITION,
                           fmt::format("this host speaks protocol {}, this scheduler {}: build both from one version",
                                       report.protocol(), proto_limits::kProtocolVersion)});
  }
  Afterwards afterwards;
  {
    std::lock_guard lock(mutex_);
    if (ending_) {
      afterwards.answered_hosts.emplace_back(&reactor, stopping());
    } else {
      const std::uint64_t number = ++last_id_;
      reports_.emplace(number, Report{&orders, &reactor});
      handle(wire::event_of(number, std::move(report)));
      afterwards = take_afterwards();
    }
  }
  carry_out(std::move(afterwards));
}

void Driver::handle_all(std::vector<Event>&& events) {
  Afterwards afterwards;
  {
    std::lock_guard lock(mutex_);
    for (auto& event : events) handle(std::move(event));
    afterwards = take_afterwards();
  }
  carry_out(std::move(afterwards));
}

void Driver::handle(Event&& event) {
  core_.handle(std::move(event), now(), actions_);
  execute();
}

void Driver::execute() {
  for (Action& action : actions_) {
    std::visit([this](auto& concrete) { perform(concrete); }, action);
  }
  actions_.clear();
  const auto deadline = core_.next_deadline().value_or(TimePoint::max());
  if (deadline < timer_at_) {
    timer_at_ = deadline;
    timer_changed_.notify_one();
  }
}

Driver::Afterwards Driver::take_afterwards() {
  if (std::exchange(heartbeat_due_, false)) {
    for (auto& [id, peer] : clients_) afterwards_.beating_clients.push_back(peer);
    for (auto& [id, peer] : workers_) afterwards_.beating_workers.push_back(peer);
  }
  return std::exchange(afterwards_, {});
}

void Driver::carry_out(Afterwards afterwards) {
  for (auto& peer : afterwards.clients) peer->flush();
  for (auto& peer : afterwards.workers) peer->flush();
  for (auto& peer : afterwards.beating_clients) peer->heartbeat();
  for (auto& peer : afterwards.beating_workers) peer->heartbeat();
  for (auto& [peer, status] : afterwards.closed_clients) peer->close(status);
  for (auto& [peer, status] : afterwards.closed_workers) peer->close(status);
  for (auto& [reactor, status] : afterwards.answered_hosts) reactor->Finish(status);
}

void Driver::run_timer() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    timer_at_ = core_.next_deadline().value_or(TimePoint::max());
    if (timer_at_ > now()) {
      // A far but finite time: waiting until max() overflows in the library.
      timer_changed_.wait_until(lock, std::min(timer_at_, now() + std::chrono::hours(1)));
      continue;
    }
    handle(Tick{});
    auto afterwards = take_afterwards();
    lock.unlock();
    carry_out(std::move(afterwards));
    lock.lock();
  }
}

ClientPeer* Driver::peer_of(ClientId id) {
  const auto it = clients_.find(static_cast<std::uint64_t>(id));
  if (it == clients_.end()) return nullptr;
  touch(afterwards_.clients, it->second);
  return it->second.get();
}

WorkerPeer* Driver::peer_of(WorkerId id) {
  const auto it = workers_.find(static_cast<std::uint64_t>(id));
  if (it == workers_.end()) return nullptr;
  touch(afterwards_.workers, it->second);
  return it->second.get();
}

void Driver::perform(SendPlan& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes + action.definition.size(),
                 [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendForgetPlan& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendTask& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes + action.input.size() + action.kept.size(),
                 [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendCancel& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendOutcome& action) {
  if (auto* peer = peer_of(action.client)) {
    const auto* value = std::get_if<absl::Cord>(&action.result);
    peer->append(kItemBytes + (value != nullptr ? value->size() : 0),
                 [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendFree& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes * action.values.size(), [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendAnswer& action) {
  if (auto* peer = peer_of(action.client)) {
    peer->append(kItemBytes * (1 + action.names.size()) + action.value.size(),
                 [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendNameAsked& action) {
  if (auto* peer = peer_of(action.client)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendUnshare& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes * action.names.size(), [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendGoneClient& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendWorkers& action) {
  if (auto* peer = peer_of(action.client)) {
    peer->append(kItemBytes * (2 + 4 * action.workers.size()),
                 [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(SendRetire& action) {
  if (auto* peer = peer_of(action.worker)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendProgramRequest& action) {
  programs_.expect(action);
  if (auto* peer = peer_of(action.client)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, std::move(action)); });
  }
}

void Driver::perform(DropProgram& action) { programs_.drop(action.sha256); }

void Driver::perform(SendOrders& action) {
  const Report report = reports_.extract(action.report).mapped();
  *report.orders = wire::message_of(std::move(action));
  afterwards_.answered_hosts.emplace_back(report.reactor, grpc::Status::OK);
}

void Driver::perform(RefuseReport& action) {
  const Report report = reports_.extract(action.report).mapped();
  afterwards_.answered_hosts.emplace_back(report.reactor, grpc::Status(grpc::StatusCode::UNAVAILABLE, action.reason));
}

void Driver::perform(SendClusterState& action) {
  if (auto* peer = peer_of(action.client)) {
    peer->append(kItemBytes, [&](auto& inbox) { wire::add(inbox, action); });
  }
}

void Driver::perform(SendHeartbeats&) { heartbeat_due_ = true; }

void Driver::perform(CloseClient& action) {
  if (const auto it = clients_.find(static_cast<std::uint64_t>(action.client)); it != clients_.end()) {
    afterwards_.closed_clients.emplace_back(it->second, status_of(action.kind, action.reason));
  }
}

void Driver::perform(CloseWorker& action) {
  if (const auto it = workers_.find(static_cast<std::uint64_t>(action.worker)); it != workers_.end()) {
    afterwards_.closed_workers.emplace_back(it->second, status_of(action.kind, action.reason));
  }
}

void Driver::perform(Log& action) {
  const bool warns = action.level == Log::Level::kWarning && !ending_;
  log().log(warns ? spdlog::level::warn : spdlog::level::info, "{}", action.text);
}

void Driver::shut_down() {
  const grpc::Status bye = stopping();
  Afterwards afterwards;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, peer] : clients_) afterwards.closed_clients.emplace_back(peer, bye);
    for (auto& [id, peer] : workers_) afterwards.closed_workers.emplace_back(peer, bye);
    for (auto& [number, report] : reports_) afterwards.answered_hosts.emplace_back(report.reactor, bye);
    reports_.clear();
  }
  carry_out(std::move(afterwards));
}

Snapshot Driver::snapshot() {
  std::lock_guard lock(mutex_);
  Snapshot snapshot = core_.snapshot(now());
  snapshot.counters.dropped_connections = dropped_connections_;
  return snapshot;
}

}  // namespace penstock::scheduler
