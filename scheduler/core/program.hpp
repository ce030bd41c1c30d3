// Programs that clients offer, and the supervisors that run them: hosts.
//
//   offered  --tasks wait-->  asked for  --arrived-->  stored  --ordered-->  running at hosts  --idle-->  gone
//
// Soft state like all here: clients offer again when they connect, hosts say what they run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "scheduler/core/deadlines.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Program {
  ProgramOffer offer;
  std::uint64_t clients = 0;  // that offer it
  bool wanted = false;        // hosts are to run it
  std::uint64_t used = 0;     // moment when tasks waited for it last
  bool stored = false;        // its file is here

  struct Coming {
    ClientId from;
    Deadlines::Key overdue;
  };
  std::optional<Coming> coming;  // its file, to here

  std::string failure;  // why its file did not come
  TimePoint failed_at;
  std::optional<Deadlines::Key> idle;  // without clients: when it ends
};

// A program at a host.
struct Hosted {
  enum class State : std::uint8_t {
    kOrdered,  // it is to be told, or it reads the file
    kRunning,  // workers were started
    kFailed,   // it does not run there, and is tried again after a while only
  } state = State::kOrdered;
  std::string failure;
  TimePoint failed_at;
};

struct Host {
  std::string name;
  std::uint64_t instance = 0;
  std::uint32_t max_programs = 0;
  TimePoint heard;
  std::map<std::string, Hosted> programs;  // by SHA-256
  std::uint64_t report = 0;  // that waits for its answer; 0: none

  const Hosted* find(const Program& program) const {
    const auto found = programs.find(program.offer.sha256);
    return found != programs.end() ? &found->second : nullptr;
  }
};

}  // namespace penstock::scheduler
