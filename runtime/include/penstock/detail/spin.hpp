// Short waits that are cheaper than sleeping: another thread is about to answer.
#pragma once

#include <chrono>
#include <thread>

namespace penstock::detail {

// Waits up to about 20 us for done(), which reads an atomic. False: not yet, sleep. At once on a machine
// with one core, where nobody could answer meanwhile.
template <class Done>
bool spin_until(Done done) {
  static const bool several_cores = std::thread::hardware_concurrency() > 1;
  if (done()) return true;
  if (!several_cores) return false;
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds{20};
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

}  // namespace penstock::detail
