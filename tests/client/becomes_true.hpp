// Waits for what another process or thread is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace penstock {

// False: done() was not true within 20 s.
template <class Done>
bool becomes_true(Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace penstock
