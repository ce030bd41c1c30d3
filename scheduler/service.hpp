// The gRPC service: makes a Peer for every session and passes the rest to the driver.
#pragma once

#include "cluster.grpc.pb.h"
#include "scheduler/driver.hpp"

namespace penstock::scheduler {

class Service final : public v1::Cluster::CallbackService {
 public:
  explicit Service(Driver& driver) : driver_(driver) {}

  grpc::ServerBidiReactor<v1::ClientBatch, v1::ClientInbox>* ClientSession(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::WorkerBatch, v1::WorkerInbox>* WorkerSession(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ReportExit(grpc::CallbackServerContext* context,
                                       const v1::WorkerExit* exit, v1::WorkerExitAck* ack) override;

 private:
  bool authorised(const grpc::CallbackServerContext& context) const;

  Driver& driver_;
};

}  // namespace penstock::scheduler
