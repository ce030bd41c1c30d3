#include "worker/value_server.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cluster.grpc.pb.h"
#include "proto/channel.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"

namespace penstock::worker {
namespace {

using proto_values::Bytes;

// Further reads of one connection wait.
constexpr int kMaxReadsPerConnection = 256;

// A connection on which nothing is read for so long is closed; its reader connects again when it needs to.
constexpr int kIdleMilliseconds = 60'000;

const grpc::Status& wrong_token() {
  static const auto* status = new grpc::Status(
      grpc::StatusCode::UNAUTHENTICATED,
      "the token is missing or wrong: set PENSTOCK_TOKEN to the scheduler's token");
  return *status;
}

// Refers to the bytes, and keeps them.
grpc::Slice slice_of(const Bytes& bytes) {
  const auto release = [](void* owner) { delete static_cast<std::shared_ptr<const void>*>(owner); };
  return grpc::Slice(const_cast<char*>(bytes.view.data()), bytes.view.size(), release,
                     new std::shared_ptr<const void>(bytes.owner));
}

// A ValuePiece, as protobuf would write it.
grpc::ByteBuffer piece_of(const Bytes& bytes) {
  constexpr std::uint8_t kBytesTag = v1::ValuePiece::kBytesFieldNumber << 3 | 2;
  std::array<std::uint8_t, 11> head{kBytesTag};
  const std::uint8_t* end =
      google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(bytes.view.size(), head.data() + 1);
  const std::array<grpc::Slice, 2> slices{
      grpc::Slice(head.data(), static_cast<std::size_t>(end - head.data())), slice_of(bytes)};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

using Reactor = grpc::ServerWriteReactor<grpc::ByteBuffer>;

// Ends a read before it began.
class Refusal final : public Reactor {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

// One read. gRPC finishes a write when the reader's window has room for it: there is one at a time.
class Reading final : public Reactor {
 public:
  explicit Reading(Bytes left) : left_(std::move(left)) { write(); }

  void OnWriteDone(bool ok) override { ok ? write() : Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void write() {
    if (left_.view.empty()) return Finish(grpc::Status::OK);
    const std::size_t size = std::min(left_.view.size(), proto_limits::kValuePieceBytes);
    piece_ = piece_of({left_.view.substr(0, size), left_.owner});
    left_.view.remove_prefix(size);
    StartWrite(&piece_);
  }

  Bytes left_;
  grpc::ByteBuffer piece_;  // of the write in flight
};

bool parse(const grpc::ByteBuffer& bytes, v1::ReadValue& request) {
  grpc::ByteBuffer copy = bytes;  // of references
  return grpc::SerializationTraits<v1::ReadValue>::Deserialize(&copy, &request).ok();
}

class Service final : public v1::Values::WithRawCallbackMethod_Read<v1::Values::Service> {
 public:
  Service(std::shared_ptr<const ValueStore> values, std::string token)
      : values_(std::move(values)), token_(std::move(token)) {}

  Reactor* Read(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override {
    if (!authorised(*context)) return new Refusal(wrong_token());
    v1::ReadValue wanted;
    if (!parse(*request, wanted)) {
      return new Refusal({grpc::StatusCode::INVALID_ARGUMENT, "the request cannot be read"});
    }
    const ValueStore::Value value = values_->find({TaskId{wanted.task()}, wanted.attempt()});
    if (!value || (!wanted.name().empty() && value->name() != wanted.name())) return new Refusal({grpc::StatusCode::NOT_FOUND, "this worker does not have it any more"});
    absl::StatusOr<Bytes> bytes = value->bytes();
    if (!bytes.ok()) {
      return new Refusal({grpc::StatusCode::RESOURCE_EXHAUSTED, std::string(bytes.status().message())});
    }
    return new Reading(*std::move(bytes));
  }

 private:
  bool authorised(const grpc::CallbackServerContext& context) const {
    if (token_.empty()) return true;
    const auto& metadata = context.client_metadata();
    const auto it = metadata.find(proto_token::kMetadataKey);
    return it != metadata.end() && proto_token::equal({it->second.data(), it->second.size()}, token_);
  }

  const std::shared_ptr<const ValueStore> values_;
  const std::string token_;
};

}  // namespace

struct ValueServer::Parts {
  Parts(std::shared_ptr<const ValueStore> values, std::string token)
      : service(std::move(values), std::move(token)) {}
  ~Parts() {
    if (!server) return;
    server->Shutdown(std::chrono::system_clock::now());
    server->Wait();
  }

  Service service;
  std::unique_ptr<grpc::Server> server;
};

ValueServer::ValueServer(std::unique_ptr<Parts> parts, std::string address)
    : parts_(std::move(parts)), address_(std::move(address)) {}
ValueServer::~ValueServer() = default;

absl::StatusOr<std::unique_ptr<ValueServer>> ValueServer::start(std::shared_ptr<ValueStore> values,
                                                                const std::string& host,
                                                                const std::string& token) {
  auto parts = std::make_unique<Parts>(values, token);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat(host, ":0"), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&parts->service);
  proto_channel::each_argument(
      [&](const char* name, int value) { builder.AddChannelArgument(name, value); });
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxReadsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(proto_limits::kMaxMessageBytes);  // its default would win
  parts->server = builder.BuildAndStart();
  if (!parts->server || port == 0) {
    return absl::UnavailableError(absl::StrCat("gRPC cannot listen on ", host));
  }
  values->open();
  return std::unique_ptr<ValueServer>(new ValueServer(std::move(parts), absl::StrCat(host, ":", port)));
}

}  // namespace penstock::worker
