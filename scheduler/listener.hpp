// The cluster port. Hands connections that begin like HTTP/2 over to gRPC; what begins otherwise, says
// nothing or comes in too great a number is logged, counted and dropped. gRPC would drop it silently.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace penstock::scheduler {

class Listener {
 public:
  using Acceptor = std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>;

  // How long a connection may take for its first 24 bytes, and how many may be at that; one more takes
  // the place of the first of them.
  static constexpr std::chrono::seconds kGreetingTimeout{10};
  static constexpr std::size_t kMaxStrangers = 256;

  // Takes the port, or says what is in the way. `address` is an IP address, or a name of this machine,
  // which stands for the first of its addresses; port 0 is any free one.
  static absl::StatusOr<std::unique_ptr<Listener>> open(const std::string& address,
                                                        std::uint16_t port);
  // Closes the port and drops who has not been handed over.
  ~Listener();

  // Once, when the gRPC server has started. `dropped` is called on the listener's thread.
  void start(Acceptor acceptor, std::function<void()> dropped);

  std::uint16_t port() const;

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::scheduler
