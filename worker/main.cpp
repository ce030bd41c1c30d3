// penstock-worker: supervises worker processes.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/common.h>

#include "proto/log.hpp"
#include "worker/log.hpp"
#include "worker/options.hpp"
#include "worker/process.hpp"
#include "worker/process_stat.hpp"
#include "worker/program_host.hpp"
#include "worker/stop_signals.hpp"
#include "worker/supervisor.hpp"
#include "worker/worker_parts.hpp"

namespace penstock::worker {
namespace {

using Supervisors = std::vector<std::unique_ptr<Supervisor>>;

// All but the program, which is as any other.
SupervisorOptions worker_options(const ProgramOptions& program) {
  SupervisorOptions options;
  options.scheduler = program.scheduler;
  options.name = program.name.empty() ? default_worker_name() : program.name;
  options.threads = program.threads;
  options.memory_limit = program.memory_limit;
  options.resources = program.resources;
  options.max_value_bytes =
      program.max_value_bytes.value_or(default_value_bytes(program.memory_limit, program.workers));
  options.load = program.load;
  options.token = program.token;
  return options;
}

SupervisorOptions supervisor_options(const ProgramOptions& program, unsigned index, std::function<void()> on_end) {
  SupervisorOptions options = worker_options(program);
  // Without a program the worker is this one, which then loads the libraries.
  options.program =
      program.app.empty() ? std::filesystem::read_symlink("/proc/self/exe").string() : program.app;
  options.args = program.app_args;
  if (program.workers > 1) options.name += "-" + std::to_string(index + 1);
  options.on_end = std::move(on_end);
  return options;
}

// Null, unless it is wanted.
std::unique_ptr<ProgramHost> make_host(const ProgramOptions& program, std::function<void()> on_end) {
  if (!program.accept_uploads) return nullptr;
  log().warn(
      "--accept-uploads: whoever may submit work to the scheduler at {} can run any program here, as the user with "
      "id {}",
      program.scheduler, getuid());
  ProgramHostOptions options;
  options.worker = worker_options(program);
  options.workers = program.workers;
  options.max_programs = program.max_programs;
  options.on_end = std::move(on_end);
  return std::make_unique<ProgramHost>(std::move(options));
}

bool all_ended(Supervisors& supervisors) {
  return std::all_of(supervisors.begin(), supervisors.end(), [](auto& supervisor) {
    return supervisor->wait_for(std::chrono::milliseconds(0)).has_value();
  });
}

int exit_code(Supervisors& supervisors) {
  const bool all_well = std::all_of(supervisors.begin(), supervisors.end(), [](auto& supervisor) {
    return supervisor->wait().reason == SupervisorEnd::Reason::kStopped;
  });
  return all_well ? kExitLeft : kExitRefused;
}

// The first signal stops the workers in good order, the second at once.
int run(const ProgramOptions& program) {
  const int end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const auto on_end = [end_fd] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(end_fd, &one, sizeof one);
  };
  Supervisors supervisors;
  const bool has_tasks = !program.app.empty() || !program.load.empty();
  for (unsigned index = 0; has_tasks && index < program.workers; ++index) {
    supervisors.push_back(std::make_unique<Supervisor>(supervisor_options(program, index, on_end)));
  }
  const std::unique_ptr<ProgramHost> host = make_host(program, on_end);
  for (auto& supervisor : supervisors) supervisor->start();
  if (host) host->start();

  std::array<pollfd, 2> wanted{{{stop_signal_fd(), POLLIN, 0}, {end_fd, POLLIN, 0}}};
  bool stopping = false;
  // With the workers that it was started for the host ends, too.
  while (supervisors.empty() ? !host->has_ended() : !all_ended(supervisors)) {
    poll(wanted.data(), wanted.size(), -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = read(end_fd, &count, sizeof count);
    if (!wait_for_stop_signal(std::chrono::milliseconds(0))) continue;
    for (auto& supervisor : supervisors) supervisor->request_stop(stopping);
    if (host) host->request_stop(stopping);
    stopping = true;
  }
  return host && !host->refusal().empty() ? kExitRefused : exit_code(supervisors);
}

}  // namespace
}  // namespace penstock::worker

int main(int argc, char** argv) {
  using namespace penstock::worker;
  if (started_as_worker()) run_worker_process();
  const ParsedOptions parsed = parse_options(argc, argv);
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  const std::string& level = parsed.options->log_level;
  setenv(penstock::proto_log::kEnvironment, level.c_str(), 1);  // for the children
  log().set_level(spdlog::level::from_str(level));
  stop_signal_fd();
  return run(*parsed.options);
}
