// SIGTERM and SIGINT as something that can be waited for.
#pragma once

#include <chrono>

namespace penstock::worker {

// From the first call on, these signals no longer end the process but make the returned descriptor
// readable, once for each signal. Signal masks stay as they are, so programs that this one starts
// are not affected. Never closed.
int stop_signal_fd();

// Takes one signal. False: none came in time. Negative: waits for ever.
bool wait_for_stop_signal(std::chrono::milliseconds timeout);

}  // namespace penstock::worker
