// Numbers that both ends of a connection must agree on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::proto_limits {

// Raised with every change that an older peer would misread. Peers of another number are refused.
inline constexpr std::uint32_t kProtocolVersion = 4;

// The scheduler's cluster port, and its dashboard next to it.
inline constexpr std::uint16_t kDefaultClusterPort = 8786;
inline constexpr std::uint16_t kDefaultDashboardPort = 8787;

// The largest message anyone accepts or sends; a single value must fit. Set on every channel and
// server, because gRPC's own default is 4 MiB.
inline constexpr int kMaxMessageBytes = 1 << 30;

// A batch is closed when it has grown to about this size, unless one single value is larger.
inline constexpr std::size_t kBatchBytes = 4 << 20;

// Results of more bytes stay on the worker that made them, and are read there.
inline constexpr std::size_t kMaxInlineBytes = std::size_t{64} << 10;

// Pieces in which a value is read from another machine.
inline constexpr std::size_t kValuePieceBytes = std::size_t{1} << 20;

// Pieces in which a program travels.
inline constexpr std::size_t kProgramPieceBytes = std::size_t{1} << 20;

// The largest argument or result of a task that travels with it: two of them fit into a message.
inline constexpr std::size_t kMaxValueBytes = std::size_t{kMaxMessageBytes} / 2;

// The scheduler drops a peer for which more than this waits to be written: it has stopped reading.
inline constexpr std::size_t kMaxWaitingBytes = std::size_t{4} << 30;

// What others have no need of yet - a task while every thread has one, the outcome of a short task while
// more are queued - waits at most so long for company: a message costs as much as several short tasks.
inline constexpr std::chrono::milliseconds kLongestHold{2};

// In the place of a type, in a failure whose text names a broadcast value that its worker has not.
inline constexpr const char* kSharedValue = "broadcast";

}  // namespace penstock::proto_limits
