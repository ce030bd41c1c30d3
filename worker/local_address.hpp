// Which of this machine's addresses others reach it at.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace penstock::worker {

// The address that this machine uses towards `address`, host:port, as gRPC writes it: "10.0.0.7" or "[::1]". The
// loopback address for "unix:..." and for an empty one: who is meant is on this machine. Sends nothing, but may ask
// the name service and wait for it. UNAVAILABLE: there is no such host, or no way to it.
absl::StatusOr<std::string> local_address_towards(const std::string& address);

}  // namespace penstock::worker
