#include "scheduler/service.hpp"

#include "proto/token.hpp"

namespace penstock::scheduler {
namespace {

const grpc::Status& wrong_token() {
  static const auto* status = new grpc::Status(
      grpc::StatusCode::UNAUTHENTICATED,
      "the token is missing or wrong: set PENSTOCK_TOKEN to the scheduler's token");
  return *status;
}

// Ends a session before it began.
class Refusal final : public Service::Session {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

bool Service::authorised(const grpc::CallbackServerContext& context) const {
  if (driver_.token().empty()) return true;
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(proto_token::kMetadataKey);
  if (it != metadata.end() &&
      proto_token::equal({it->second.data(), it->second.size()}, driver_.token())) {
    return true;
  }
  driver_.refused_token(context.peer());
  return false;
}

Service::Session* Service::ClientSession(grpc::CallbackServerContext* context) {
  if (!authorised(*context)) return new Refusal(wrong_token());
  return ClientPeer::start(driver_, *context);
}

Service::Session* Service::WorkerSession(grpc::CallbackServerContext* context) {
  if (!authorised(*context)) return new Refusal(wrong_token());
  return WorkerPeer::start(driver_, *context);
}

grpc::ServerUnaryReactor* Service::ReportExit(grpc::CallbackServerContext* context,
                                              const v1::WorkerExit* exit, v1::WorkerExitAck*) {
  auto* reactor = context->DefaultReactor();
  if (!authorised(*context)) {
    reactor->Finish(wrong_token());
    return reactor;
  }
  driver_.exited(v1::WorkerExit(*exit));
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace penstock::scheduler
