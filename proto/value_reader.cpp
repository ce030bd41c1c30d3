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

constexpr std::chrono::seconds kConnectTimeout{2};
constexpr std::chrono::seconds kUnreachable{2};  // so long after a failure, others do not wait for another
constexpr std::chrono::milliseconds kLook{200};  // for cancel(), meanwhile

// More memory than this is taken only for bytes that have come.
constexpr std::size_t kMostReserved = std::size_t{256} << 20;

// For a worker that falls silent: what a slow network needs, and some time to begin.
std::chrono::seconds time_for(std::size_t bytes) {
  constexpr std::size_t kLeastBytesPerSecond = 1 << 20;
  return std::chrono::seconds(10 + std::min<std::size_t>(bytes / kLeastBytesPerSecond, 24 * 3600));
}

absl::Status status_of(const grpc::Status& status, const v1::KeptValue& value) {
  const std::string text = absl::StrCat("cannot read a value of worker ", value.worker(), " at ",
                                        value.address(), ": ", status.error_message());
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return absl::NotFoundError(text);
  return absl::UnavailableError(text);
}

}  // namespace

// The call of one read, for as long as it lives.
class ValueReader::Reading {
 public:
  explicit Reading(ValueReader& reader) : reader_(reader) {
    std::lock_guard lock(reader_.mutex_);
    reader_.reading_.insert(&context);
    if (reader_.cancelled_) context.TryCancel();
  }
  ~Reading() {
    std::lock_guard lock(reader_.mutex_);
    reader_.reading_.erase(&context);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  grpc::ClientContext context;

 private:
  ValueReader& reader_;
};

void ValueReader::cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : reading_) context->TryCancel();
}

bool ValueReader::is_cancelled() {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

// False: nobody listens there, or does not answer in time.
bool ValueReader::connects(grpc::Channel& channel) {
  const auto give_up = std::chrono::system_clock::now() + kConnectTimeout;
  for (auto state = channel.GetState(true); state != GRPC_CHANNEL_READY; state = channel.GetState(true)) {
    const auto now = std::chrono::system_clock::now();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || now >= give_up) return false;
    channel.WaitForStateChange(state, now + kLook);
    if (is_cancelled()) return false;
  }
  return true;
}

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
  if (value.address().empty()) return absl::UnavailableError("it is in another machine's memory only");
  const auto channel = channel_to(value.address());
  if (!channel || !connects(*channel)) {
    if (is_cancelled()) return absl::CancelledError("the reader is closed");
    if (channel) note_unreachable(value.address());
    return absl::UnavailableError(absl::StrCat("worker ", value.worker(), " cannot be reached at ", value.address()));
  }
  Reading reading(*this);
  grpc::ClientContext& context = reading.context;
  context.set_deadline(std::chrono::system_clock::now() + time_for(value.size()));
  if (!token_.empty()) context.AddMetadata(proto_token::kMetadataKey, token_);
  v1::ReadValue request;
  request.set_task(value.task());
  request.set_attempt(value.attempt());
  request.set_name(value.name());
  const auto reader = v1::Values::NewStub(channel)->Read(&context, request);
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(std::min<std::size_t>(value.size(), kMostReserved));
  v1::ValuePiece piece;
  while (bytes->size() <= value.size() && reader->Read(&piece)) *bytes += piece.bytes();
  if (bytes->size() > value.size()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (is_cancelled()) return absl::CancelledError("the reader is closed");
  if (!status.ok() && bytes->size() <= value.size()) return status_of(status, value);
  if (bytes->size() != value.size()) {
    return absl::DataLossError(absl::StrCat("a value of worker ", value.worker(), " has another size than it said"));
  }
  const std::string_view view = *bytes;
  return Bytes{view, std::move(bytes)};
}

std::shared_ptr<grpc::Channel> ValueReader::channel_to(const std::string& address) {
  std::map<std::string, Peer> old;  // goes after the lock
  std::lock_guard lock(mutex_);
  if (channels_.size() >= kMaxChannels) old = std::exchange(channels_, {});
  Peer& peer = channels_[address];
  if (std::chrono::steady_clock::now() < peer.unreachable_until) return nullptr;
  if (!peer.channel) peer.channel = proto_channel::connect(address);
  return peer.channel;
}

// The next attempt, with another channel, does not wait for gRPC's own pause.
void ValueReader::note_unreachable(const std::string& address) {
  Peer old;  // goes after the lock
  std::lock_guard lock(mutex_);
  old = std::exchange(channels_[address], {nullptr, std::chrono::steady_clock::now() + kUnreachable});
}

}  // namespace penstock::proto_values
