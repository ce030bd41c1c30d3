#include "worker/stop_signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include <penstock/detail/check.hpp>

namespace penstock::worker {
namespace {

int signal_fd = -1;  // written before the handler is installed

void note_signal(int) {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(signal_fd, &one, sizeof one);
  errno = saved;
}

int install() {
  signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  PENSTOCK_CHECK(signal_fd >= 0);
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;  // users' blocking calls go on
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  return signal_fd;
}

}  // namespace

int stop_signal_fd() {
  static const int fd = install();
  return fd;
}

bool wait_for_stop_signal(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + timeout;
  pollfd wanted{stop_signal_fd(), POLLIN, 0};
  while (true) {
    std::uint64_t one = 0;
    if (read(wanted.fd, &one, sizeof one) == sizeof one) return true;
    int left_ms = -1;
    if (timeout.count() >= 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      left_ms = static_cast<int>(left.count());
    }
    poll(&wanted, 1, left_ms);
  }
}

}  // namespace penstock::worker
