// What memory a process has, for runs that watch whether it grows.
#pragma once

#include <unistd.h>

#include <fstream>
#include <string>

namespace penstock::soak {

// A sanitizer keeps memory that was freed, to see who uses it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryTells = false;
#else
inline constexpr bool kMemoryTells = true;
#endif

inline double resident_mib(const std::string& process = "self") {
  std::ifstream file("/proc/" + process + "/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace penstock::soak
