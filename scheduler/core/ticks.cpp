#include "scheduler/core/state.hpp"

namespace penstock::scheduler {

void Core::State::on(Tick&) {
  // Many peers may be lost in one tick. Were the tasks of one dispatched before the next is lost,
  // they would go to a lost peer.
  dispatch_postponed = true;
  bool anything = false;
  while (const auto due = deadlines.take_due(now)) {
    std::visit([this](auto deadline) { on_due(deadline); }, *due);
    anything = true;
  }
  dispatch_postponed = false;
  if (anything) dispatch_all();
}

void Core::State::on_due(HeartbeatDue) {
  // From now, not from the deadline: after a long pause one heartbeat is enough.
  deadlines.add(now + options.heartbeat, HeartbeatDue{});
  emit(SendHeartbeats{});
  answer_hosts();
  close_silent_peers();
  lose_silent_hosts();
  forget_retired();
}

void Core::State::on_due(LaneWaitOver due) { end_wait(*due.lane); }

void Core::State::on_due(ExitReportOverdue due) {
  settle(*due.lost, nullptr);
  dispatch_all();
}

void Core::State::close_silent_peers() {
  std::vector<Worker*> silent_workers;
  workers.for_each([&](Worker& worker) {
    if (now - worker.heard > options.silence) silent_workers.push_back(&worker);
  });
  std::vector<Client*> silent_clients;
  clients.for_each([&](Client& client) {
    if (now - client.heard > options.silence) silent_clients.push_back(&client);
  });
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options.silence).count();
  const std::string reason = "nothing was heard for " + std::to_string(ms) + " ms";
  for (Client* client : silent_clients) {
    emit(CloseClient{client->id, reason, CloseKind::kLost});
    lose_client(*client, "was silent for too long");
  }
  // All of them stop taking work first: else the tasks of one would go to the next, and be blamed.
  for (Worker* worker : silent_workers) withdraw(*worker);
  if (!silent_workers.empty()) tell_cluster_state();
  for (Worker* worker : silent_workers) {
    emit(CloseWorker{worker->id, reason, CloseKind::kLost});
    lose_worker(*worker, "silent for too long");
  }
}

}  // namespace penstock::scheduler
