// What a process takes from the machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace penstock::worker {

// Resident bytes; 0 when there is no such process.
std::uint64_t resident_bytes(pid_t pid);

// Memory of the machine, or of the container when that has less.
std::uint64_t machine_bytes();

// For the values that stay on a worker: half of its memory limit, or, without one, of its share of the machine when
// so many workers are started together.
std::uint64_t default_value_bytes(std::uint64_t memory_limit, unsigned workers);

// Cores this process used since the last call, or since the meter was made.
class CpuMeter {
 public:
  CpuMeter();
  double sample();

 private:
  std::chrono::steady_clock::time_point at_;
  std::chrono::microseconds used_;
};

}  // namespace penstock::worker
