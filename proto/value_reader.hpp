// Reads values that stay on workers: where their memory is shared from there, else from the worker itself.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "cluster.grpc.pb.h"
#include "proto/shared_bytes.hpp"

namespace penstock::proto_values {

// Thread-safe. Destroyed on no thread of gRPC's.
class ValueReader {
 public:
  // `token` is the scheduler's.
  explicit ValueReader(std::string token) : token_(std::move(token)) {}

  // Blocks. NOT_FOUND: the worker has it no longer; UNAVAILABLE: the worker cannot be reached from here;
  // DATA_LOSS: what came is something else.
  absl::StatusOr<Bytes> read(const v1::KeptValue& value);

 private:
  absl::StatusOr<Bytes> read_from_worker(const v1::KeptValue& value);
  std::shared_ptr<grpc::Channel> channel_to(const std::string& address);
  void forget(const std::string& address);

  const std::string token_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // at most kMaxChannels
};

}  // namespace penstock::proto_values
