#include "worker/process.hpp"

#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include <penstock/worker.hpp>

#include "worker/environment.hpp"
#include "worker/log.hpp"
#include "worker/stop_signals.hpp"
#include "worker/worker_parts.hpp"

namespace penstock::worker {
namespace {

void die_with(pid_t supervisor) {
  if (supervisor == 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(kExitCut);  // it died before we could ask to be told
}

// Each value in shared memory takes a descriptor.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

WorkerParts parts_of(const Environment& environment) {
  WorkerParts parts;
  if (environment.black_box_fd < 0) return parts;
  auto box = BlackBox::open(environment.black_box_fd);
  if (!box.ok()) {
    log().warn("going on without a black box: {}", std::string(box.status().message()));
    return parts;
  }
  (*box)->close_fd();
  parts.black_box = *std::move(box);
  return parts;
}

// Does not return before the process has ended.
void obey_signals(Worker& worker, std::chrono::milliseconds grace) {
  wait_for_stop_signal(std::chrono::milliseconds(-1));
  log().info("{} was told to stop: finishing what runs", worker.name());
  worker.leave();
  if (wait_for_stop_signal(grace)) {
    log().warn("{} was told to stop twice: stopping at once", worker.name());
    _exit(kExitCut);
  }
  log().warn("{} stops although tasks still run after {} ms", worker.name(), grace.count());
  _exit(kExitLeft);
}

[[noreturn]] void refuse(const std::string& why) {
  log().error("{}", why);
  _exit(kExitRefused);
}

}  // namespace

bool started_as_worker() {
  const char* role = std::getenv(kRoleVariable);
  return role != nullptr && std::string_view(role) == kWorkerRole;
}

void run_worker_process() {
  stop_signal_fd();
  absl::StatusOr<Environment> environment = take_environment();
  if (!environment.ok()) refuse(std::string(environment.status().message()));
  die_with(environment->supervisor);
  allow_many_descriptors();
  if (const absl::Status loaded = load_libraries(environment->load); !loaded.ok()) {
    refuse(std::string(loaded.message()));
  }
  // Never destroyed: the signal thread may use it until the process ends.
  auto* worker = new Worker(WorkerOptions{.scheduler = environment->scheduler,
                                          .name = environment->name,
                                          .threads = environment->threads,
                                          .memory_limit = environment->memory_limit,
                                          .resources = environment->resources,
                                          .resource_group = environment->resource_group,
                                          .max_value_bytes = environment->max_value_bytes,
                                          .supervised = environment->supervisor != 0},
                            parts_of(*environment));
  std::thread([worker, grace = environment->grace] { obey_signals(*worker, grace); }).detach();
  worker->start();
  const WorkerEnd end = worker->wait();
  if (end.reason == WorkerEnd::Reason::kRefused) {
    refuse(absl::StrCat("the scheduler at ", environment->scheduler,
                        " refused this worker: ", end.text));
  }
  log().info("{} has left", worker->name());
  std::fflush(nullptr);
  if (end.reason == WorkerEnd::Reason::kRetired) _exit(kExitRetired);
  _exit(end.reason == WorkerEnd::Reason::kStuck ? kExitStuck : kExitLeft);
}

absl::Status load_libraries(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    // Local: two versions of a library with the same names in them must not meet.
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) continue;
    const std::string why = dlerror();
    if (absl::StrContains(why, "executable")) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is a program, not a library: use --app ", path, "."));
    }
    return absl::NotFoundError(absl::StrCat("cannot load a library: ", why));
  }
  return absl::OkStatus();
}

}  // namespace penstock::worker
