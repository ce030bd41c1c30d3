#include "worker/process_stat.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace penstock::worker {
namespace {

std::chrono::microseconds cpu_used() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(statm >> total_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t machine_bytes() {
  const std::uint64_t machine = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::uint64_t container = 0;  // "max" without a limit
  std::ifstream limit("/sys/fs/cgroup/memory.max");
  return limit >> container ? std::min(machine, container) : machine;
}

std::uint64_t default_value_bytes(std::uint64_t memory_limit, unsigned workers) {
  return memory_limit > 0 ? memory_limit / 2 : machine_bytes() / 2 / std::max(workers, 1U);
}

CpuMeter::CpuMeter() : at_(std::chrono::steady_clock::now()), used_(cpu_used()) {}

double CpuMeter::sample() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::microseconds used = cpu_used();
  const std::chrono::duration<double> wall = now - at_;
  const std::chrono::duration<double> busy = used - used_;
  at_ = now;
  used_ = used;
  return wall.count() > 0 ? busy / wall : 0;
}

}  // namespace penstock::worker
