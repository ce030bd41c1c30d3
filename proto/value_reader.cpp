#include "proto/value_reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/channel.hpp"
#include "proto/token.hpp"

namespace penstock::proto_values {
namespace {

// Beyond, all of them are made anew: workers come and go.
constexpr std::size_t kMaxChannels = 1024;

constexpr std::chrono::seconds kConnectTimeout{5};

// More memory than this is taken only for bytes that have come.
constexpr std::size_t kMostReserved = std::size_t{256} << 20;

// For a worker that falls silent: what a slow network needs, and some time to begin.
std::chrono::seconds time_for(std::size_t bytes) {
  constexpr std::size_t kLeastBytesPerSecond = 1 << 20;
  return std::chrono::seconds(10 + bytes / kLeastBytesPerSecond);
}

// False: nobody listens there, or does not answer in time.
bool connects(grpc::Channel& channel) {
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel.WaitForStateChange(state, deadline)) return false;
    state = channel.GetState(true);
  }
  return true;
}

absl::Status status_of(const grpc::Status& status, const v1::KeptValue& value) {
  const std::string text = absl::StrCat("cannot read a value of worker ", value.worker(), " at ",
                                        value.address(), ": ", status.error_message());
  return status.error_code() == grpc::StatusCode::NOT_FOUND ? absl::NotFoundError(text)
                                                            : absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<Bytes> ValueReader::read(const v1::KeptValue& value) {
  if (value.has_memory() && value.memory().machine() == this_machine()) {
    const auto& memory = value.memory();
    auto bytes = map_shared(memory.process(), memory.fd(), memory.name(), value.size());
    if (bytes.ok()) return bytes;
    // Of another user, or in the middle of ending: the worker itself knows.
  }
  return read_from_worker(value);
}

absl::StatusOr<Bytes> ValueReader::read_from_worker(const v1::KeptValue& value) {
  const auto channel = channel_to(value.address());
  if (!connects(*channel)) {
    forget(value.address());
    return absl::UnavailableError(absl::StrCat("worker ", value.worker(), " cannot be reached at ", value.address()));
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + time_for(value.size()));
  if (!token_.empty()) context.AddMetadata(proto_token::kMetadataKey, token_);
  v1::ReadValue request;
  request.set_task(value.task());
  request.set_attempt(value.attempt());
  const auto reader = v1::Values::NewStub(channel)->Read(&context, request);
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(std::min<std::size_t>(value.size(), kMostReserved));
  v1::ValuePiece piece;
  while (bytes->size() <= value.size() && reader->Read(&piece)) *bytes += piece.bytes();
  if (bytes->size() > value.size()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!status.ok() && bytes->size() <= value.size()) return status_of(status, value);
  if (bytes->size() != value.size()) {
    return absl::DataLossError(absl::StrCat("a value of worker ", value.worker(), " has another size than it said"));
  }
  const std::string_view view = *bytes;
  return Bytes{view, std::move(bytes)};
}

std::shared_ptr<grpc::Channel> ValueReader::channel_to(const std::string& address) {
  std::map<std::string, std::shared_ptr<grpc::Channel>> old;  // goes after the lock
  std::lock_guard lock(mutex_);
  if (channels_.size() >= kMaxChannels) old = std::exchange(channels_, {});
  auto& channel = channels_[address];
  if (!channel) channel = proto_channel::connect(address);
  return channel;
}

// The next attempt does not wait for gRPC's own pause.
void ValueReader::forget(const std::string& address) {
  std::shared_ptr<grpc::Channel> old;  // goes after the lock
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(address);
  if (found == channels_.end()) return;
  old = std::move(found->second);
  channels_.erase(found);
}

}  // namespace penstock::proto_values
