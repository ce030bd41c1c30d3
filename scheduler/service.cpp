#include "scheduler/service.hpp"

#include <optional>
#include <utility>

#include "proto/limits.hpp"
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

// One program on its way to a host. gRPC finishes a write when the reader's window has room for it.
class Reading final : public grpc::ServerWriteReactor<v1::ProgramPiece> {
 public:
  explicit Reading(absl::Cord bytes) : bytes_(std::move(bytes)) { write(); }
  explicit Reading(const grpc::Status& refusal) { Finish(refusal); }

  void OnWriteDone(bool ok) override { ok ? write() : Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void write() {
    if (offset_ == bytes_.size()) return Finish(grpc::Status::OK);
    piece_.set_offset(offset_);
    piece_.set_bytes(std::string(bytes_.Subcord(offset_, proto_limits::kProgramPieceBytes)));
    offset_ += piece_.bytes().size();
    StartWrite(&piece_);
  }

  const absl::Cord bytes_;
  std::size_t offset_ = 0;
  v1::ProgramPiece piece_;  // of the write in flight
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

grpc::ServerUnaryReactor* Service::HostPrograms(grpc::CallbackServerContext* context, const v1::HostReport* report,
                                                v1::HostOrders* orders) {
  auto* reactor = context->DefaultReactor();
  if (authorised(*context)) {
    driver_.reported(v1::HostReport(*report), *orders, *reactor);
  } else {
    reactor->Finish(wrong_token());
  }
  return reactor;
}

grpc::ServerWriteReactor<v1::ProgramPiece>* Service::ReadProgram(grpc::CallbackServerContext* context,
                                                                 const v1::ProgramName* name) {
  if (!authorised(*context)) return new Reading(wrong_token());
  std::optional<absl::Cord> bytes = driver_.program(name->sha256());
  if (!bytes) return new Reading({grpc::StatusCode::NOT_FOUND, "the scheduler does not have this program"});
  return new Reading(*std::move(bytes));
}

}  // namespace penstock::scheduler
