// penstock-scheduler: serves until SIGINT or SIGTERM.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "scheduler/options.hpp"
#include "scheduler/server.hpp"

int main(int argc, char** argv) {
  using namespace penstock::scheduler;
  // Before any thread starts, so that all of them leave these signals to sigwait() below.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  const ProgramOptions options = parse_options(argc, argv);
  spdlog::set_default_logger(spdlog::stderr_color_mt("penstock-scheduler"));
  spdlog::set_level(spdlog::level::from_str(options.log_level));

  auto server = Server::start(options.server);
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return 1;
  }
  spdlog::info("clients and workers: {}:{}", options.server.address, (*server)->port());
  if (!(*server)->dashboard_url().empty()) {
    spdlog::info("dashboard: {}", (*server)->dashboard_url());
  }
  int signal = 0;
  sigwait(&stop, &signal);
  spdlog::info("stopping on signal {}", signal);
  server->reset();
  return 0;
}
