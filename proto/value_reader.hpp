// Reads values that stay on workers: where their memory is shared from there, else from the worker itself.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
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
  // Ends all reads, also those to come, with CANCELLED.
  void cancel();

 private:
  class Reading;
  struct Peer {
    std::shared_ptr<grpc::Channel> channel;
    std::chrono::steady_clock::time_point unreachable_until;
  };

  absl::StatusOr<Bytes> read_from_worker(const v1::KeptValue& value);
  // Null: it could not be reached a moment ago.
  std::shared_ptr<grpc::Channel> channel_to(const std::string& address);
  void note_unreachable(const std::string& address);
  bool connects(grpc::Channel& channel);
  bool is_cancelled();

  const std::string token_;
  std::mutex mutex_;
  std::map<std::string, Peer> channels_;  // at most kMaxChannels
  std::set<grpc::ClientContext*> reading_;
  bool cancelled_ = false;
};

}  // namespace penstock::proto_values
