// The whole scheduler in one object: gRPC server, driver, dashboard. The binary runs one; so does a
// local cluster inside a program.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/limits.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct ServerOptions {
  std::string address = "127.0.0.1";  // to listen on; anything but loopback wants a token
  std::uint16_t port = 8786;          // 0: any free one
  bool dashboard = true;
  std::string dashboard_address = "127.0.0.1";
  std::optional<std::uint16_t> dashboard_port;  // none: 8787 or the next free one
  std::string token;
  bool allow_insecure = false;  // other machines may connect without a token
  // A peer for which more than this waits to be written is dropped: it has stopped reading.
  std::size_t max_waiting_bytes = proto_limits::kMaxWaitingBytes;
  CoreOptions core;
};

class Server {
 public:
  // Listens, or says what is in the way.
  static absl::StatusOr<std::unique_ptr<Server>> start(ServerOptions options);
  // Tells the peers to reconnect elsewhere or later, and stops within a second.
  ~Server();

  // Its workers are about to be stopped, and it after them: no warnings when they go.
  void expect_end();

  std::uint16_t port() const;
  const std::string& dashboard_url() const;  // empty when there is none

  // A connection without sockets, for clients and workers in this process.
  std::shared_ptr<grpc::Channel> in_process_channel();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::scheduler
