// Makes a task's input of the bytes that came with it and of values that stay on workers. Beside wire the
// one place that reads the protocol's messages, because nothing on the way to a thread needs what is in them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"

#include "proto/shared_bytes.hpp"
#include "proto/value_reader.hpp"
#include "worker/value_store.hpp"

namespace penstock::worker {

// Thread-safe. Destroyed on no thread of gRPC's.
class InputAssembler {
 public:
  // `worker` is the name under which `own` is known; `token` the scheduler's.
  InputAssembler(std::string worker, std::shared_ptr<const ValueStore> own, std::string token)
      : worker_(std::move(worker)), own_(std::move(own)), reader_(std::move(token)) {}

  // `kept` is a serialised KeptInputs. Blocks while values are read. A single value that is all of the input is not
  // copied. INVALID_ARGUMENT: `kept` makes no sense; all other errors say why a value cannot be read, and `lost` gets
  // the numbers of all that cannot.
  absl::StatusOr<proto_values::Bytes> assemble(const absl::Cord& input, const absl::Cord& kept,
                                               std::vector<std::uint32_t>& lost);

 private:
  absl::StatusOr<proto_values::Bytes> read(const v1::KeptValue& value);

  const std::string worker_;
  const std::shared_ptr<const ValueStore> own_;
  proto_values::ValueReader reader_;
};

}  // namespace penstock::worker
