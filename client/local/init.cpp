#include "penstock/init.hpp"

#include <atomic>

#include "client/local/init.hpp"
#include "worker/process.hpp"

namespace penstock {
namespace {

std::atomic<bool> was_called{false};

}  // namespace

void init() {
  if (was_called.exchange(true)) return;
  if (worker::started_as_worker()) worker::run_worker_process();
}

namespace local {

bool initialised() { return was_called; }

}  // namespace local
}  // namespace penstock
