#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {

void Core::State::on(ClientJoined& event) {
  if (clients.find(event.client) != nullptr) {
    ++statistics.counters.dropped_other;
    return;
  }
  std::string refusal = refusal_of(event);
  if (refusal.empty() && clients.size() >= options.max_clients) {
    refusal = "the scheduler has " + counted(clients.size(), "client") + ", its limit";
  }
  if (!refusal.empty()) {
    ++statistics.counters.refused_peers;
    log(Log::Level::kWarning, "client " + quoted(event.name) + " is refused: " + refusal);
    emit(CloseClient{event.client, std::move(refusal)});
    return;
  }
  auto client = std::make_unique<Client>();
  client->id = event.client;
  client->name = std::move(event.name);
  client->weight = event.weight;
  client->joined = client->heard = now;
  Client& joined = clients.add(std::move(client));
  log(Log::Level::kInfo, "client " + quoted(joined.name) + " joined");
  if (event.program) take_offer(joined, *std::move(event.program));
  tell_cluster_state(joined);
}

void Core::State::on(ClientLeft& event) {
  if (Client* client = hear(event.client)) lose_client(*client, "left");
}

void Core::State::on(ClientHeard& event) { hear(event.client); }

Client* Core::State::hear(ClientId id) {
  Client* const client = clients.find(id);
  if (client != nullptr) {
    client->heard = now;
  } else {
    ++statistics.counters.dropped_other;
  }
  return client;
}

void Core::State::lose_client(Client& client, std::string_view why) {
  const std::size_t unfinished = client.tasks.size();
  if (unfinished > 0) ++statistics.counters.clients_lost;
  log(unfinished > 0 ? Log::Level::kWarning : Log::Level::kInfo,
      "client " + quoted(client.name) + " " + std::string(why) + " with " +
          counted(unfinished, "unfinished task"));
  while (Task* task = client.tasks.front()) call_back(*task);
  for (auto& [number, defined] : client.plans) {
    if (defined.plan == nullptr) continue;
    release(*defined.lane);
    release(*defined.plan);
  }
  PENSTOCK_CHECK(client.lanes.empty());
  forget_names(client);
  if (client.keeps_values) {
    workers.for_each([&](const Worker& worker) { emit(SendGoneClient{worker.id, client.id}); });
  }
  withdraw_offer(client);
  clients.erase(client);
  dispatch_all();
}

void Core::State::tell_cluster_state(const Client& client) {
  emit(SendClusterState{client.id, static_cast<std::uint32_t>(pools.workers()),
                        static_cast<std::uint32_t>(threads)});
}

void Core::State::tell_cluster_state() {
  clients.for_each([&](const Client& client) { tell_cluster_state(client); });
}

}  // namespace penstock::scheduler
