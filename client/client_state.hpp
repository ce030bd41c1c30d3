// What a Client handle refers to.
#pragma once

#include <memory>
#include <utility>

#include "client/session.hpp"
#include "penstock/client.hpp"

namespace penstock::detail {

// Members are destroyed in reverse order: the connection ends before what it is connected to.
class ClientState {
 public:
  ClientState(std::shared_ptr<Loop> client_loop, std::shared_ptr<void> local_cluster)
      : loop(std::move(client_loop)), cluster(std::move(local_cluster)) {}

  const std::shared_ptr<Loop> loop;
  const std::shared_ptr<void> cluster;  // of Client::local()
  std::shared_ptr<client::Session> session;
};

// Whether a new client is the one that Client::current() returns.
enum class Current { kBecomes, kStays };

// Starts a session; `connected` is called once, on any thread.
void start_client(client::SessionOptions session, std::shared_ptr<void> cluster, Current current,
                  std::function<void(std::exception_ptr, Client)> connected);

// The same, waiting for the answer.
Client connect_client(client::SessionOptions session, std::shared_ptr<void> cluster,
                      Current current = Current::kBecomes);

// What the options say, with defaults filled in.
client::SessionOptions session_options(const ClientOptions& options);

}  // namespace penstock::detail
