// The gRPC service: makes a Peer for every session and passes the rest to the driver.
#pragma once

#include "cluster.grpc.pb.h"
#include "scheduler/driver.hpp"

namespace penstock::scheduler {

// Sessions exchange bytes, which the peers take apart themselves.
using RawService = v1::Cluster::WithRawCallbackMethod_ClientSession<
    v1::Cluster::WithRawCallbackMethod_WorkerSession<
        v1::Cluster::WithCallbackMethod_ReportExit<v1::Cluster::WithCallbackMethod_HostPrograms<
            v1::Cluster::WithCallbackMethod_ReadProgram<v1::Cluster::Service>>>>>;

class Service final : public RawService {
 public:
  explicit Service(Driver& driver) : driver_(driver) {}

  using Session = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  Session* ClientSession(grpc::CallbackServerContext* context) override;
  Session* WorkerSession(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ReportExit(grpc::CallbackServerContext* context,
                                       const v1::WorkerExit* exit, v1::WorkerExitAck* ack) override;
  grpc::ServerUnaryReactor* HostPrograms(grpc::CallbackServerContext* context, const v1::HostReport* report,
                                         v1::HostOrders* orders) override;
  grpc::ServerWriteReactor<v1::ProgramPiece>* ReadProgram(grpc::CallbackServerContext* context,
                                                          const v1::ProgramName* name) override;

 private:
  bool authorised(const grpc::CallbackServerContext& context) const;

  Driver& driver_;
};

}  // namespace penstock::scheduler
