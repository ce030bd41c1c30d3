// The files of clients' programs, as they come in and while hosts read them. Which there are the core decides.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "proto/sha256.hpp"
#include "scheduler/core/action.hpp"
#include "scheduler/core/event.hpp"

namespace penstock::scheduler {

// As in the protocol.
struct ProgramPiece {
  std::string sha256;
  std::uint64_t offset = 0;
  std::string bytes;
  std::string failure;
};

// Thread-safe. Has a lock of its own, so that nobody waits for the scheduler's while bytes are counted.
class ProgramStore {
 public:
  void expect(const SendProgramRequest& request);
  // What the core is to know: that the file is complete, or that it cannot become what it should be. Pieces that
  // nobody asked for are dropped.
  std::optional<Event> add(ClientId client, ProgramPiece&& piece);
  void drop(const std::string& sha256);
  // Empty: it is not here, or not complete.
  std::optional<absl::Cord> find(const std::string& sha256) const;

 private:
  struct Program {
    ClientId from{};
    std::uint64_t size = 0;
    absl::Cord bytes;
    proto_sha256::Sha256 sum;
    bool complete = false;
  };
  // Empty: it goes on.
  std::optional<std::string> take(Program& program, ProgramPiece&& piece);

  mutable std::mutex mutex_;
  std::map<std::string, Program> programs_;  // by SHA-256
};

}  // namespace penstock::scheduler
