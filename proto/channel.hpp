// How both ends set up their connections.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "proto/limits.hpp"

namespace penstock::proto_channel {

// The methods whose messages are written and read as frames, see proto/frame.hpp.
inline constexpr char kClientSession[] = "/penstock.v1.Cluster/ClientSession";
inline constexpr char kWorkerSession[] = "/penstock.v1.Cluster/WorkerSession";

// Calls set(name, value) for each argument that differs from gRPC's default. Larger frames and windows
// than those made for web pages: values of megabytes would otherwise travel in hundreds of pieces.
template <class Set>
void each_argument(Set set) {
  set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, proto_limits::kMaxMessageBytes);
  set(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, proto_limits::kMaxMessageBytes);
  set(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  set(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 8 << 20);
  set(GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, 1 << 20);
  set(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  set(GRPC_ARG_TCP_READ_CHUNK_SIZE, 64 << 10);
  set(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 4 << 20);
}

inline grpc::ChannelArguments client_arguments() {
  grpc::ChannelArguments arguments;
  each_argument([&](const char* name, int value) { arguments.SetInt(name, value); });
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no memory of earlier failures
  return arguments;
}

inline std::shared_ptr<grpc::Channel> connect(const std::string& address) {
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), client_arguments());
}

}  // namespace penstock::proto_channel
