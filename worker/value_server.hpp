// Lets clients and other workers read the values that stay here: the protocol's service Values, on a port of its own.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "worker/value_store.hpp"

namespace penstock::worker {

// Pieces are sent as fast as their reader takes them, without a copy; a value that is being read is held until
// the reader has it, is gone, or has run out of time.
class ValueServer {
 public:
  // Listens on a port of `host`, an address of this machine, that the system chooses, and opens the store.
  // Readers show `token`, unless it is empty.
  static absl::StatusOr<std::unique_ptr<ValueServer>> start(std::shared_ptr<ValueStore> values,
                                                            const std::string& host,
                                                            const std::string& token);
  // Ends what is being read. On no thread of gRPC's.
  ~ValueServer();
  ValueServer(const ValueServer&) = delete;
  ValueServer& operator=(const ValueServer&) = delete;

  // host:port
  const std::string& address() const { return address_; }

 private:
  struct Parts;
  ValueServer(std::unique_ptr<Parts> parts, std::string address);

  std::unique_ptr<Parts> parts_;
  const std::string address_;
};

}  // namespace penstock::worker
