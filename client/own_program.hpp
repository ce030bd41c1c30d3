// The program that this process runs, as it offers it to a cluster whose workers do not have it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster.pb.h"

namespace penstock::client {

// Not thread-safe.
class OwnProgram {
 public:
  // Reads all of its file, once, for the SHA-256. An error says what is in the way.
  static absl::StatusOr<std::unique_ptr<OwnProgram>> open();
  ~OwnProgram();
  OwnProgram(const OwnProgram&) = delete;
  OwnProgram& operator=(const OwnProgram&) = delete;

  const v1::ProgramOffer& offer() const { return offer_; }
  // From the beginning, when it is this one that is wanted.
  void send(const std::string& sha256);
  // What was asked for on an earlier connection.
  void stop_sending() { sending_ = false; }
  // The next piece; false when there is none.
  bool fill(v1::ProgramPiece& piece);

 private:
  explicit OwnProgram(int fd) : fd_(fd) {}
  absl::Status look();

  const int fd_;  // of what runs, also when the file of its name is another by now
  v1::ProgramOffer offer_;
  bool sending_ = false;
  std::uint64_t offset_ = 0;
};

}  // namespace penstock::client
